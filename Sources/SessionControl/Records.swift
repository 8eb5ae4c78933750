import HostAccess
import SessionModel
import SessionStore

extension HostRecord {
    /// Where ssh finds the host; nil for one the portal recorded and nobody has added yet.
    var endpoint: HostEndpoint? {
        guard let access else { return nil }
        return HostEndpoint(
            name: name, address: access.address, port: access.port, account: access.account,
            sshHostKey: access.sshHostKey, runFolder: access.runFolder)
    }

    /// The host as placement weighs it.
    func candidate(isConnected: Bool) -> Placement.Candidate {
        Placement.Candidate(
            host: name, provisions: provisions, zone: zoneID, isUp: status == "up" && isZoneUp,
            isConnected: isConnected, uses: uses, maximumUses: maximumUses)
    }
}

extension DisplayRecord {
    /// The record as a repair plan weighs it; `living` are the sessions whose rows are there.
    func claim(living: Set<SessionNumber>) -> DisplayRepair.Claim {
        let holder = session.map { living.contains($0) ? DisplayRepair.Holder.session($0) : .endedSession }
        return DisplayRepair.Claim(display: number, holder: holder ?? .nobody, age: age)
    }
}

extension SessionState {
    /// Whether the session is there for its user.
    var isLive: Bool {
        switch self {
        case .starting, .running: true
        case .ending, .ended, .failed: false
        }
    }
}

extension Gateway {
    /// The zone named so; throws when there is none.
    func zone(_ name: ZoneName) async throws -> ZoneRecord {
        guard let record = try await database.zone(named: name) else { throw SessionError.zoneUnknown(name) }
        return record
    }
}
