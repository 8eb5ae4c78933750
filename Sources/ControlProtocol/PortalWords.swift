import SessionModel

/// The portal's grammar: a word, then `key=value` or plain arguments. Its web pages pass text of their visitors on
/// unchecked, so a repeated key, a plain argument too many and a key of another word are refused; keys that no word
/// knows (`dbname=`) are for later portals and are passed over. A refusal repeats nothing that a visitor wrote.
public enum PortalWords {
    /// The words.
    public static let words = [
        "start", "view", "stop", "check", "create_userhome", "update_quota", "screenshot",
    ]
    /// Every key that any word knows.
    public static let keys: Set<String> = [
        "user", "ip", "app", "version", "params", "zone", "sess", "readonly", "stress",
    ]
    /// Parameters have at most this many bytes once decoded.
    public static let parametersLimit = 64 * 1024

    /// The request that a command line means, the program's name left out; nil when its first word is not the
    /// portal's.
    public static func request(_ arguments: [String]) throws(Refusal) -> ControlRequest? {
        guard let word = arguments.first else { return nil }
        let rest = Array(arguments.dropFirst())
        switch word {
        case "start": return .start(try start(rest))
        case "view": return .view(try view(rest))
        case "stop":
            let plain = try WordArguments(rest, of: word, shape: .init(plain: 1...1)).plain
            return .stop(session: try session(plain[0]), delay: nil)
        case "check":
            let plain = try WordArguments(rest, of: word, shape: .init(plain: 1...2)).plain
            let host = try Refusal.parsed("HOST") { () throws(MalformedName) in try HostName(plain[0]) }
            return .check(host: host, apply: plain.count == 2 ? try flag(plain[1], of: "yes") : false)
        case "create_userhome": return .createUserHome(user: try user(rest, of: word))
        case "update_quota":
            // The shell drops empty arguments, so a limit that the portal left empty is not there.
            let plain = try WordArguments(rest, of: word, shape: .init(plain: 1...3)).plain
            guard UserName.accepts(plain[0]) else { throw .usage("The value of 'UID' is not a user's number or name.") }
            for blocks in plain.dropFirst() where !blocks.utf8.allSatisfy(isDigit) || blocks.utf8.count > 20 {
                throw .usage("A quota's limit is a number of blocks.")
            }
            return .updateQuota(
                uid: plain[0], soft: plain.count > 1 ? plain[1] : "", hard: plain.count > 2 ? plain[2] : "")
        case "screenshot": return .screenshot(user: try user(rest, of: word))
        default: return nil
        }
    }

    private static func start(_ arguments: [String]) throws(Refusal) -> StartOrder {
        let keys = try WordArguments(
            arguments, of: "start", shape: .init(keys: ["user", "ip", "app", "version", "params", "zone", "stress"])
        ).keys
        guard let user = keys["user"] else { throw .usage("'maxwell start' needs 'user='.") }
        guard let application = keys["app"] else { throw .usage("'maxwell start' needs 'app='.") }
        let version = keys["version"] ?? ""
        guard version.utf8.count <= 80, version.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .usage(
                "The value of 'version' is not a version; please give at most 80 printable characters without spaces.")
        }
        return StartOrder(
            user: try Refusal.parsed("user") { () throws(MalformedName) in try UserName(user) },
            address: address(keys["ip"]),
            application: try Refusal.parsed("app") { () throws(MalformedName) in try ApplicationName(application) },
            version: version,
            parameters: try keys["params"].map(parameters),
            zone: try zone(keys["zone"]),
            stress: try stress(keys["stress"]))
    }

    /// Who may say it is decided where the start is asked for.
    private static func stress(_ text: String?) throws(Refusal) -> StressMark? {
        guard let text else { return nil }
        if text.lowercased() == StressMark.synthetic.rawValue { return .synthetic }
        do {
            return try flag(text, of: "stress") ? .real : nil
        } catch {
            throw .usage("The value of 'stress' is neither yes nor synthetic.")
        }
    }

    private static func view(_ arguments: [String]) throws(Refusal) -> ViewOrder {
        let given = try WordArguments(
            arguments, of: "view", shape: .init(keys: ["user", "ip", "sess", "readonly"], plain: 0...1))
        let keys = given.keys
        let sessions = given.plain + (keys["sess"].map { [$0] } ?? [])
        guard sessions.count == 1 else { throw .usage("'maxwell view' needs one session: 'sess=N'.") }
        var user: UserName?
        if let name = keys["user"] {
            user = try Refusal.parsed("user") { () throws(MalformedName) in try UserName(name) }
        }
        return ViewOrder(
            session: try session(sessions[0]), user: user, address: address(keys["ip"]),
            readOnly: try keys["readonly"].map { value throws(Refusal) in try flag(value, of: "readonly") } ?? false)
    }

    /// `^[0-9]+$` and nothing else.
    static func session(_ text: String) throws(Refusal) -> SessionNumber {
        do {
            return try SessionNumber(parsing: text)
        } catch {
            throw .usage("A session is a number, such as 12; 'maxwell sessions' lists them.")
        }
    }

    private static func user(_ arguments: [String], of word: String) throws(Refusal) -> UserName {
        let plain = try WordArguments(arguments, of: word, shape: .init(plain: 1...1)).plain
        return try Refusal.parsed("USER") { () throws(MalformedName) in try UserName(plain[0]) }
    }

    private static func zone(_ text: String?) throws(Refusal) -> ZoneName? {
        guard let text, !text.isEmpty else { return nil }
        return try Refusal.parsed("zone") { () throws(MalformedName) in try ZoneName(text) }
    }

    /// An address is kept for the records only: its first 40 printable characters, the width of the columns.
    private static func address(_ text: String?) -> String {
        String(decoding: (text ?? "").utf8.filter { (0x21...0x7E).contains($0) }.prefix(40), as: UTF8.self)
    }

    /// The words that the portal itself takes for yes, and their opposites.
    private static func flag(_ text: String, of key: String) throws(Refusal) -> Bool {
        switch text.lowercased() {
        case "1", "y", "on", "yes", "t", "true": return true
        case "", "0", "n", "off", "no", "f", "false": return false
        default: throw .usage("The value of '\(key)' is neither yes nor no.")
        }
    }

    /// Percent-decoded text (RFC 3986 §2.1): line ends are kept as they are, `+` stays `+`.
    private static func parameters(_ text: String) throws(Refusal) -> String {
        var decoded: [UInt8] = []
        var bytes = text.utf8.makeIterator()
        while let byte = bytes.next() {
            guard byte == UInt8(ascii: "%") else {
                decoded.append(byte)
                continue
            }
            guard let high = bytes.next().flatMap(digit), let low = bytes.next().flatMap(digit) else {
                throw .usage("The parameters are not well encoded: a '%' is not followed by two hexadecimal digits.")
            }
            decoded.append(high << 4 | low)
        }
        guard decoded.count <= parametersLimit else { throw .usage("The parameters are longer than 64 KiB.") }
        guard !decoded.contains(0) else { throw .usage("The parameters hold a NUL byte.") }
        guard let parameters = String(validating: decoded, as: UTF8.self) else {
            throw .usage("The parameters are not UTF-8 text.")
        }
        return parameters
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
