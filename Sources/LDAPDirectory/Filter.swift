/// Search filters (RFC 4515); every value in them is escaped.
enum Filter {
    /// The person named `name`, with ids (RFC 2307) or without (RFC 2798).
    static func person(named name: String) -> String {
        "(&(|(objectClass=posixAccount)(objectClass=inetOrgPerson))(uid=\(escaped(name))))"
    }

    /// The accounts with `uid`.
    static func accounts(withUID uid: UInt32) -> String {
        "(&(|(objectClass=posixAccount)(objectClass=inetOrgPerson))(uidNumber=\(uid)))"
    }

    /// The groups of the person, the primary one included where there is one.
    static func groups(ofName name: String, dn: String, gid: UInt32?) -> String {
        let primary = gid.map { "(gidNumber=\($0))" } ?? ""
        return "(|(&(objectClass=posixGroup)(|(memberUid=\(escaped(name)))\(primary)))"
            + "(&(objectClass=groupOfNames)(member=\(escaped(dn)))))"
    }

    /// `value` with everything but letters, digits and a few harmless signs as `\XX` (RFC 4515 §3).
    static func escaped(_ value: String) -> String {
        var bytes: [UInt8] = []
        let digits = Array("0123456789abcdef".utf8)
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "@"), UInt8(ascii: "="), UInt8(ascii: ","):
                bytes.append(byte)
            default: bytes += [UInt8(ascii: "\\"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
