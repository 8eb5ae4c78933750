import LDAPDirectory
import SessionModel
import SessionStore
import SettingsFile

/// What the controller alone may read, each from a file of its own.
struct Secrets {
    var database: Secret?
    var directory: Secret?

    init(of settings: Settings) throws {
        database = try settings.database.passwordFile.map(SecretFile.read(path:))
        directory = try settings.ldap.bindPasswordFile.map(SecretFile.read(path:))
    }
}

extension Settings.Database {
    /// The server as the store wants it.
    func address(password: Secret?) -> DatabaseAddress {
        DatabaseAddress(
            socket: socket, host: host ?? "", port: port, name: name, user: user, password: password,
            connections: connections, timeoutSeconds: Int(timeout.components.seconds))
    }
}

extension Settings.LDAP {
    /// The directory as its adapter wants it; `reserved` ids are ours to give out, never an account's.
    func directory(password: Secret?, reserved: Settings.UIDs, homes: Settings.Homes) -> DirectorySettings {
        DirectorySettings(
            uris: uris, caFile: caFile, startTLS: startTLS, bindDN: bindDN, bindPassword: password,
            peopleBase: peopleBase, groupBase: groupBase, minimumUID: minimumUID, minimumGID: minimumGID,
            reservedIDs: [reserved.displays, reserved.shadow].map { $0.first...$0.last }, homesRoot: homes.root,
            timeout: timeout)
    }
}
