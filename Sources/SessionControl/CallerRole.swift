import ControlSocket
import Glibc
import SessionModel
import SettingsFile

/// Finds the role of a caller by their uid, as the machine's accounts stand now.
struct CallerRole: Sendable {
    let settings: Settings.Controller
    let relayUser: String
    let webUser: String

    func role(of caller: Caller) -> Role {
        if caller.uid == 0 { return .root }
        if settings.portalUsers.contains(where: { uid(of: $0) == caller.uid }) { return .portal }
        if uid(of: relayUser) == caller.uid { return .relay }
        if uid(of: webUser) == caller.uid { return .web }
        let account = name(of: caller.uid)
        let user = account.flatMap { try? UserName($0) }
        if let account, isAdministrator(account, primary: caller.gid) { return .administrator(user) }
        return user.map(Role.person) ?? .nobody
    }

    private func uid(of name: String) -> UInt32? {
        withRecord {
            getpwnam_r(name, $0, $1, $2, $3)
        } value: {
            $0.pw_uid
        }
    }

    private func name(of uid: UInt32) -> String? {
        withRecord {
            getpwuid_r(uid, $0, $1, $2, $3)
        } value: {
            String(cString: $0.pw_name)
        }
    }

    /// Runs a reentrant getpw*(3) function with room that is large enough, and takes what is asked from the record.
    private func withRecord<Value>(
        _ find: (
            UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int,
            UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
        ) -> Int32, value: (passwd) -> Value
    ) -> Value? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 65536) { room in
            guard let base = room.baseAddress else { return nil }
            var record = passwd()
            var found: UnsafeMutablePointer<passwd>?
            guard find(&record, base, room.count, &found) == 0, let found else { return nil }
            return value(found.pointee)
        }
    }

    private func isAdministrator(_ account: String, primary: UInt32) -> Bool {
        guard let group = getgrnam(settings.adminGroup) else { return false }
        let wanted = group.pointee.gr_gid
        var count: Int32 = 256
        var groups = [gid_t](repeating: 0, count: Int(count))
        guard getgrouplist(account, primary, &groups, &count) >= 0 else { return false }
        return groups.prefix(Int(count)).contains(wanted)
    }
}
