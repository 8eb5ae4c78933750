import SessionModel

/// An entry as the server gave it.
struct Entry {
    let dn: String
    /// Values by the attribute's name in lower case; those that are not UTF-8 are left out.
    let values: [String: [String]]

    func all(_ attribute: String) -> [String] { values[attribute.lowercased()] ?? [] }
    func first(_ attribute: String) -> String? { all(attribute).first }
}

/// Whether and how an entry becomes an account. Pure: the day is an argument.
struct AccountRules {
    let settings: DirectorySettings
    /// Days since 1970-01-01, UTC.
    let today: Int

    static let accountAttributes = [
        "uid", "uidNumber", "gidNumber", "homeDirectory", "loginShell", "shadowExpire", "pwdAccountLockedTime",
    ]
    static let groupAttributes = ["cn", "gidNumber"]

    /// The one entry of exactly `name` that may be used now.
    func usable(_ entries: [Entry], for name: UserName) throws(DirectoryError) -> Entry {
        // uid matches without regard to case (RFC 4519 §2.39), our tables and homes do not.
        guard entries.count <= 1 else { throw .unusable(name, reason: "several entries have uid \(name)") }
        guard let entry = entries.first, entry.all("uid").contains(name.text) else { throw .unknown(name) }
        if !entry.all("pwdAccountLockedTime").isEmpty { throw .disabled(name) }
        if let text = entry.first("shadowExpire") {
            guard let day = Int(text) else { throw .unusable(name, reason: "shadowExpire is no number: \(entry.dn)") }
            // shadow(5): a negative day is none; from the day itself on the account is expired.
            if day >= 0, today >= day { throw .expired(name) }
        }
        return entry
    }

    /// The primary gid of `entry`.
    func gid(of entry: Entry, for name: UserName) throws(DirectoryError) -> UInt32 {
        guard let gid = entry.first("gidNumber").flatMap(Self.id) else {
            throw .unusable(name, reason: "no gidNumber: \(entry.dn)")
        }
        guard allows(gid, from: settings.minimumGID) else {
            throw .notAllowed(name, reason: "gid \(gid) is below \(settings.minimumGID) or reserved: \(entry.dn)")
        }
        return gid
    }

    /// Whether `entry` has no ids at all: whoever it describes gets some for a while.
    func isVisitor(_ entry: Entry) -> Bool { entry.all("uidNumber").isEmpty }

    /// The person without ids that `entry` describes, with the names of `groups`; refused where there is no place for their
    /// home.
    func visitor(_ name: UserName, groups: [Entry]) throws(DirectoryError) -> Visitor {
        guard settings.homesRoot != nil else { throw .homeless(name) }
        let names = groups.compactMap { $0.first("cn") }.filter(Self.isName)
        return Visitor(name: name, groups: Set(names).sorted())
    }

    /// The home `entry` names.
    func namedHome(of entry: Entry) -> String? { entry.first("homeDirectory").flatMap { $0.isEmpty ? nil : $0 } }

    /// The home `entry` names, or else its place below the folder of such homes.
    private func home(of entry: Entry, for name: UserName) throws(DirectoryError) -> String {
        guard let home = namedHome(of: entry) else {
            guard let root = settings.homesRoot else { throw .homeless(name) }
            return Self.plain("\(root)/\(name)")
        }
        guard Self.isPath(home), home != "/" else {
            throw .unusable(name, reason: "homeDirectory is no absolute path without ..: \(entry.dn)")
        }
        return Self.plain(home)
    }

    /// An absolute path without what means nothing in it, as the hosts ask for.
    private static func plain(_ path: String) -> String {
        "/" + path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }

    /// The account `entry` describes, with what is allowed of `groups`.
    func account(_ name: UserName, _ entry: Entry, groups: [Entry]) throws(DirectoryError) -> Account {
        guard let uid = entry.first("uidNumber").flatMap(Self.id) else {
            throw .unusable(name, reason: "no uidNumber: \(entry.dn)")
        }
        guard allows(uid, from: settings.minimumUID) else {
            throw .notAllowed(name, reason: "uid \(uid) is below \(settings.minimumUID) or reserved: \(entry.dn)")
        }
        let primary = try gid(of: entry, for: name)
        let home = try home(of: entry, for: name)
        let shell = entry.first("loginShell") ?? "/bin/sh"
        guard Self.isPath(shell) else { throw .unusable(name, reason: "loginShell is no absolute path: \(entry.dn)") }
        // A group that the directory does not name is known by its number.
        var names: [UInt32: String] = [:]
        for group in groups {
            guard let gid = group.first("gidNumber").flatMap(Self.id), let cn = group.first("cn"), Self.isName(cn),
                allows(gid, from: settings.minimumGID)
            else { continue }
            names[gid] = min(names[gid] ?? cn, cn)
        }
        names[primary] = names[primary] ?? String(primary)
        return Account(
            name: name, uid: uid, gid: primary, home: home, shell: shell,
            groups: names.sorted { $0.key < $1.key }.map { Account.Group(name: $0.value, gid: $0.key) })
    }

    /// 65534 is nobody and what NFS makes of root; 2³² - 1 is no id at all (chown(2)).
    private func allows(_ id: UInt32, from minimum: UInt32) -> Bool {
        id >= minimum && id != 65534 && id != .max && id != 0 && !settings.reservedIDs.contains { $0.contains(id) }
    }

    private static func id(_ text: String) -> UInt32? {
        text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? UInt32(text) : nil
    }

    /// Fit for a line of passwd(5).
    private static func isPath(_ text: String) -> Bool {
        text.hasPrefix("/") && !text.split(separator: "/").contains("..") && !text.contains(":") && isLine(text)
    }

    /// Fit for a line of group(5).
    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && !text.contains(":") && !text.contains(",") && isLine(text)
    }

    private static func isLine(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
    }
}
