import ControlSocket
import Glibc
import SessionModel
import SettingsFile

/// Finds how a caller stands by their uid, as the machine's accounts stand now.
struct CallerRole: Sendable {
    let settings: Settings.Controller
    let relayUser: String
    let webUser: String

    func standing(of caller: Caller) -> Standing {
        if caller.uid == 0 { return Standing(.root) }
        if settings.portalUsers.contains(where: { uid(of: $0) == caller.uid }) { return Standing(.portal) }
        if uid(of: relayUser) == caller.uid { return Standing(.relay) }
        if uid(of: webUser) == caller.uid { return Standing(.web) }
        guard let account = name(of: caller.uid) else { return Standing(.nobody) }
        let user = try? UserName(account)
        let memberships = groups(of: account, primary: caller.gid)
        let isIn = { (group: String) in gid(of: group).map(memberships.contains) ?? false }
        return Standing(
            isIn(settings.adminGroup) ? .administrator(user) : user.map(Role.person) ?? .nobody,
            inStressGroup: settings.stressGroup.map(isIn) ?? false)
    }

    private func uid(of name: String) -> UInt32? {
        withRecord(of: passwd()) {
            getpwnam_r(name, $0, $1, $2, $3)
        } value: {
            $0.pw_uid
        }
    }

    private func name(of uid: UInt32) -> String? {
        withRecord(of: passwd()) {
            getpwuid_r(uid, $0, $1, $2, $3)
        } value: {
            String(cString: $0.pw_name)
        }
    }

    /// A group with more members than fit into a mebibyte is taken for none.
    private func gid(of name: String) -> UInt32? {
        withRecord(of: group(), bytes: 1 << 20) {
            getgrnam_r(name, $0, $1, $2, $3)
        } value: {
            $0.gr_gid
        }
    }

    /// Runs a reentrant getpw*(3) or getgr*(3) function with room that is large enough, and takes what is asked from the
    /// record.
    private func withRecord<Record, Value>(
        of empty: Record, bytes: Int = 65536,
        _ find: (
            UnsafeMutablePointer<Record>, UnsafeMutablePointer<CChar>, Int,
            UnsafeMutablePointer<UnsafeMutablePointer<Record>?>
        ) -> Int32, value: (Record) -> Value
    ) -> Value? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: bytes) { room in
            guard let base = room.baseAddress else { return nil }
            var record = empty
            var found: UnsafeMutablePointer<Record>?
            guard find(&record, base, room.count, &found) == 0, let found else { return nil }
            return value(found.pointee)
        }
    }

    /// Those of `account` with the primary one; none where it is in more than 256.
    private func groups(of account: String, primary: UInt32) -> [gid_t] {
        var count: Int32 = 256
        var groups = [gid_t](repeating: 0, count: Int(count))
        guard getgrouplist(account, primary, &groups, &count) >= 0 else { return [] }
        return Array(groups.prefix(Int(count)))
    }
}
