import SessionModel

/// What a stock native viewer says before RFB itself, from the relay's greeting to a name and a password: RFB 3.7 or 3.8
/// (RFC 6143 §7.1), security type VeNCrypt 0.2 with the one sub-type X509Plain (the community's RFB specification,
/// "VeNCrypt"): TLS with a certificate, inside it the name and the password.
public struct VeNCryptOpening: Sendable {
    /// What to do after some bytes came.
    public enum Step: Equatable, Sendable {
        /// Send these bytes, if any, and wait.
        case reply([UInt8])
        /// Send `reply`; then TLS begins. `early` came already and belongs to it.
        case secure(reply: [UInt8], early: [UInt8])
        /// The viewer said who it is. It waits for ``granted`` or ``refusal(_:)``; `early` came already and follows them.
        case enter(name: String, password: Secret, early: [UInt8])
        /// Send `reply` and close.
        case refused(reply: [UInt8], Fault)
    }

    /// Why a viewer goes no further.
    public enum Fault: String, Equatable, Sendable {
        case turnedAway = "turned away"
        case noRFB = "viewer speaks no RFB"
        case tooOld = "viewer speaks RFB 3.3"
        case noVeNCrypt = "viewer chose a security type that was not offered"
        case otherVeNCrypt = "viewer speaks another VeNCrypt"
        case otherSubtype = "viewer chose a sub-type that was not offered"
        case oversized = "oversized name or password"
    }

    /// The relay's first word.
    public static let greeting = RFBVersion.v3_8.greeting
    /// SecurityResult of a viewer that may enter (RFC 6143 §7.1.3).
    public static let granted: [UInt8] = [0, 0, 0, 0]
    /// A name has at most this many bytes, a password too.
    public static let limit = 1024

    private enum Expectation { case version, type, veNCrypt, subtype, lengths, words(name: Int, password: Int), over }

    private static let veNCrypt: UInt8 = 19
    /// X509Plain.
    private static let subtype: [UInt8] = [0, 0, 1, 6]

    private var expectation = Expectation.version
    private var version = RFBVersion.v3_8
    private var received: [UInt8] = []

    private let turnedAway: String?

    /// A viewer that was sent the ``greeting``; with `turnedAway` it hears those words before anything is offered.
    public init(turnedAway: String? = nil) { self.turnedAway = turnedAway }

    /// The viewer sent `bytes`, in clear before ``Step/secure(reply:early:)`` and inside TLS after it.
    public mutating func viewerSent(_ bytes: some Sequence<UInt8>) -> Step {
        if case .over = expectation { return .reply([]) }
        received.append(contentsOf: bytes)
        var reply: [UInt8] = []
        while let bytes = next() {
            switch expectation {
            case .version:
                guard let version = RFBVersion(bytes) else { return refused(reply, .noRFB) }
                self.version = version
                guard version > .v3_3 else {
                    // RFC 6143 §7.1.2, and for 3.3 too: no type, then why.
                    let words = turnedAway ?? VeNCryptOpening.tooOldWords
                    return refused(
                        reply + [0, 0, 0, 0] + VeNCryptOpening.string(words), turnedAway == nil ? .tooOld : .turnedAway)
                }
                if let turnedAway { return refused(reply + [0] + VeNCryptOpening.string(turnedAway), .turnedAway) }
                reply += [1, VeNCryptOpening.veNCrypt]
                expectation = .type
            case .type:
                guard bytes == [VeNCryptOpening.veNCrypt] else {
                    return refused(reply + refusal("This gateway needs VeNCrypt (X509Plain)."), .noVeNCrypt)
                }
                reply += [0, 2]
                expectation = .veNCrypt
            case .veNCrypt:
                // Any other answer than 0 ends the talk.
                guard bytes == [0, 2] else { return refused(reply + [0xff], .otherVeNCrypt) }
                reply += [0, 1] + VeNCryptOpening.subtype
                expectation = .subtype
            case .subtype:
                // 0 is no, and TigerVNC reads a SecurityResult with its reason after it.
                guard bytes == VeNCryptOpening.subtype else {
                    return refused(reply + [0] + refusal("This gateway needs VeNCrypt's X509Plain."), .otherSubtype)
                }
                expectation = .lengths
                defer { received = [] }
                return .secure(reply: reply + [1], early: received)
            case .lengths:
                let (name, password) = (VeNCryptOpening.number(bytes[..<4]), VeNCryptOpening.number(bytes[4...]))
                guard name <= VeNCryptOpening.limit, password <= VeNCryptOpening.limit else {
                    return refused(reply + refusal("The name or the password is too long."), .oversized)
                }
                expectation = .words(name: name, password: password)
            case .words(let name, _):
                expectation = .over
                defer { received = [] }
                return .enter(
                    name: String(decoding: bytes[..<name], as: UTF8.self),
                    password: Secret(String(decoding: bytes[name...], as: UTF8.self)), early: received)
            case .over: return .reply(reply)
            }
        }
        return .reply(reply)
    }

    /// SecurityResult of a viewer that may not enter; since 3.8 `words` follow (RFC 6143 §7.1.3), which it shows.
    public func refusal(_ words: String) -> [UInt8] {
        [0, 0, 0, 1] + (version == .v3_8 ? VeNCryptOpening.string(words) : [])
    }

    private static let tooOldWords =
        "This gateway needs a viewer that speaks RFB 3.7 or later with VeNCrypt, such as TigerVNC."

    private mutating func next() -> [UInt8]? {
        let count: Int
        switch expectation {
        case .version: count = 12
        case .type: count = 1
        case .veNCrypt: count = 2
        case .subtype: count = 4
        case .lengths: count = 8
        case .words(let name, let password): count = name + password
        case .over: return nil
        }
        guard received.count >= count else { return nil }
        defer { received.removeFirst(count) }
        return Array(received.prefix(count))
    }

    private mutating func refused(_ reply: [UInt8], _ fault: Fault) -> Step {
        expectation = .over
        received = []
        return .refused(reply: reply, fault)
    }

    private static func string(_ words: String) -> [UInt8] { bytes(words.utf8.count) + Array(words.utf8) }

    private static func bytes(_ number: Int) -> [UInt8] {
        withUnsafeBytes(of: UInt32(clamping: number).bigEndian) { Array($0) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }
}
