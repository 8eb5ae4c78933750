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
