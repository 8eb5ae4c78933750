import LDAPDirectory
import SessionModel
import TestServers

/// The one server of this run.
enum People {
    static let server = Result { try Slapd(ldif: entries) }

    /// Another with the same people.
    static func anotherServer(isReadable: Bool = false) throws -> Slapd {
        try Slapd(ldif: entries, isReadable: isReadable)
    }

    /// A directory on it: over StartTLS, unless told otherwise.
    static func directory(_ change: (inout DirectorySettings, Slapd) -> Void = { _, _ in }) throws -> Directory {
        let server = try server.get()
        var settings = DirectorySettings(
            uris: [server.uri], caFile: server.caFile, bindDN: Slapd.readerDN,
            bindPassword: Secret(Slapd.readerPassword), peopleBase: "ou=people,\(Slapd.suffix)",
            groupBase: "ou=groups,\(Slapd.suffix)", reservedIDs: [2_000_000...2_065_535], timeout: .seconds(20))
        change(&settings, server)
        return Directory(settings)
    }

    private static func person(
        _ name: String, uid: String, gid: String = "5000", home: String? = nil, more: String = "", under: String = ""
    ) -> String {
        """
        dn: uid=\(name),\(under)ou=people,\(Slapd.suffix)
        objectClass: account
        objectClass: posixAccount
        objectClass: shadowAccount
        cn: \(name)
        uid: \(name)
        uidNumber: \(uid)
        gidNumber: \(gid)
        homeDirectory: \(home ?? "/home/\(name)")
        loginShell: /bin/bash
        userPassword: \(name)-word
        \(more.isEmpty ? "" : more + "\n")

        """
    }

    /// A person who is no account; `more` may make them half of one.
    private static func visitor(_ name: String, more: String = "") -> String {
        """
        dn: uid=\(name),ou=people,\(Slapd.suffix)
        objectClass: inetOrgPerson
        \(more.isEmpty ? "" : "objectClass: extensibleObject\n")cn: \(name)
        sn: \(name)
        uid: \(name)
        userPassword: \(name)-word
        \(more.isEmpty ? "" : more + "\n")

        """
    }

    private static func group(_ name: String, gid: String?, members: String, isPosix: Bool = true) -> String {
        """
        dn: cn=\(name),ou=groups,\(Slapd.suffix)
        objectClass: \(isPosix ? "posixGroup" : "groupOfNames")
        \(isPosix || gid == nil ? "" : "objectClass: extensibleObject\n")cn: \(name)
        \(gid.map { "gidNumber: \($0)\n" } ?? "")\(members)


        """
    }

    private static let entries =
        person("alice", uid: "5001") + person("bob", uid: "5002", gid: "5999")
        + person("locked", uid: "5003", more: "pwdAccountLockedTime: 000001010000Z")
        + person("expired", uid: "5004", more: "shadowExpire: 1")
        + person("endless", uid: "5005", more: "shadowExpire: -1")
        + person("later", uid: "5006", more: "shadowExpire: 200000")
        + person("system", uid: "999") + person("wheel", uid: "5007", gid: "10") + person("root", uid: "0")
        + person("display", uid: "2000001") + person("nobody", uid: "65534")
        + visitor("guest") + visitor("lockedguest", more: "pwdAccountLockedTime: 000001010000Z")
        + visitor("homeless", more: "uidNumber: 5020\ngidNumber: 5000")
        + visitor("half", more: "uidNumber: 5021")
        + person("relative", uid: "5008", home: "home/relative")
        + person("upward", uid: "5009", home: "/home/../etc") + person("colon", uid: "5010", home: "/home/a:0:0")
            + """
            dn: ou=east,ou=people,\(Slapd.suffix)
            objectClass: organizationalUnit
            ou: east


            """ + person("twin", uid: "5011") + person("twin", uid: "5012", under: "ou=east,")
        + group("users", gid: "5000", members: "memberUid: nosuch")
        + group("physics", gid: "6000", members: "memberUid: alice\nmemberUid: bob\nmemberUid: guest")
        + group("adm", gid: "4", members: "memberUid: alice")
        + group("displays", gid: "2000005", members: "memberUid: alice")
        + group(
            "chemistry", gid: "6001", members: "member: uid=alice,ou=people,\(Slapd.suffix)", isPosix: false)
        + group("list", gid: nil, members: "member: uid=alice,ou=people,\(Slapd.suffix)", isPosix: false)
}
