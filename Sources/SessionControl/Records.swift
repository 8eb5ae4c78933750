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

    /// The host as placement weighs it; `state` is nil while its channel is down.
    func candidate(state: HostState?, underWay: Int, ready: Int, sessionsOfUser: Int) -> Placement.Candidate {
        Placement.Candidate(
            host: name, provisions: provisions, zone: zoneID,
            isUp: (status == HostStatus.up.rawValue || isSetAside) && isZoneUp,
            isDraining: status == HostStatus.drain.rawValue, isSetAside: isSetAside, isConnected: state != nil,
            uses: uses, underWay: underWay, maximumUses: maximumUses, ready: ready,
            memoryAvailable: state?.load?.memoryAvailable,
            loadPerCore: state?.load.map { $0.load / Double(max(1, $0.cores)) }, sessionsOfUser: sessionsOfUser)
    }

    /// Whether the gateway itself gave the host no more sessions, until it works again.
    var isSetAside: Bool { status == HostStatus.check.rawValue && access?.setAside != nil }

    /// Whether displays are kept ready on it.
    var takesSessions: Bool { status == HostStatus.up.rawValue && isZoneUp }
}

extension SessionRecord {
    /// Its host's name; empty for a start that never had one.
    var hostText: String { place?.host.text ?? "" }

    /// The session as a plan of repairs weighs it; nil for one that has ended.
    var asReconciled: Reconciliation.Session? {
        let life: Reconciliation.Session.Life
        switch state {
        case .starting: life = .starting
        case .running: life = .running
        case .ending: life = .ending(endingFor)
        case .ended, .failed: return nil
        }
        return Reconciliation.Session(number: number, life: life, age: age, hasDisplay: display != nil)
    }
}

extension RecentStarts {
    /// As a plan weighs them.
    var asStarts: PoolPlan.Starts { PoolPlan.Starts(lastTen: lastTen, lastSixty: lastSixty) }
}

extension DisplayRecord {
    /// The record as a repair plan weighs it; `states` are those of the host's sessions that have not ended, `boot` is the
    /// host's present one.
    func claim(states: [SessionNumber: SessionState], boot: String) -> Reconciliation.Claim {
        let holder: Reconciliation.Holder =
            if let session {
                switch states[session] {
                case .starting, .running: .session(session)
                case .ending: .endingSession
                case .ended, .failed, nil: .endedSession
                }
            } else {
                switch state {
                case .ready: .pool
                case .broken: .broken
                case .ending: .endedSession
                case .starting, .used: .nobody
                }
            }
        return Reconciliation.Claim(
            display: number, key: key, holder: holder, age: age,
            isOfAnotherBoot: !bootID.isEmpty && bootID != boot)
    }

    /// Seconds for which the record of a broken display stays.
    private static let broken = 600

    /// Whether nobody will take it any more: claimed for something that died, or broken and looked at long enough.
    var isForgotten: Bool {
        guard session == nil else { return false }
        return switch state {
        case .ready: false
        case .broken: age >= Self.broken
        // Whoever made or ended it had 20 seconds.
        case .starting, .used, .ending: age >= 30
        }
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
