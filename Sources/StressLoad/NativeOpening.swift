import RelayProtocol

/// What a stock native viewer says in clear, up to the TLS of VeNCrypt's X509Plain (the community's RFB specification,
/// "VeNCrypt"): it keeps silent until the relay greets it.
struct NativeOpening {
    /// What came of some bytes.
    enum Step: Equatable {
        case reply([UInt8])
        /// Send this, then TLS begins.
        case secure([UInt8])
    }

    private enum Expectation { case version, typeCount, types(Int), veNCrypt, verdict, subtypeCount, subtypes(Int), go }

    private var expectation = Expectation.version
    private var received: [UInt8] = []
    private var reply: [UInt8] = []

    private static let veNCrypt: UInt8 = 19
    private static let x509Plain: [UInt8] = [0, 0, 1, 6]

    /// The relay said `bytes`.
    mutating func take(_ bytes: some Sequence<UInt8>) throws(DisplayFault) -> Step {
        received.append(contentsOf: bytes)
        reply = []
        while received.count >= needed {
            let bytes = Array(received.prefix(needed))
            received.removeFirst(needed)
            if try isSecure(bytes) { return .secure(reply) }
        }
        return .reply(reply)
    }

    private var needed: Int {
        switch expectation {
        case .version: 12
        case .typeCount, .verdict, .subtypeCount, .go: 1
        case .types(let count): count
        case .veNCrypt: 2
        case .subtypes(let count): count * 4
        }
    }

    private mutating func isSecure(_ bytes: [UInt8]) throws(DisplayFault) -> Bool {
        switch expectation {
        case .version:
            guard RFBVersion(bytes) == .v3_8 else { throw DisplayFault(cause: "no greeting of RFB") }
            reply += RFBVersion.v3_8.greeting
            expectation = .typeCount
        case .typeCount:
            guard bytes[0] > 0 else { throw DisplayFault(cause: "turned away") }
            expectation = .types(Int(bytes[0]))
        case .types:
            guard bytes.contains(Self.veNCrypt) else { throw DisplayFault(cause: "no VeNCrypt") }
            reply.append(Self.veNCrypt)
            expectation = .veNCrypt
        case .veNCrypt:
            reply += [0, 2]
            expectation = .verdict
        case .verdict:
            guard bytes == [0] else { throw DisplayFault(cause: "no VeNCrypt") }
            expectation = .subtypeCount
        case .subtypeCount:
            guard bytes[0] > 0 else { throw DisplayFault(cause: "no X509Plain") }
            expectation = .subtypes(Int(bytes[0]))
        case .subtypes:
            let offered = stride(from: 0, to: bytes.count, by: 4).map { Array(bytes[$0..<$0 + 4]) }
            guard offered.contains(Self.x509Plain) else { throw DisplayFault(cause: "no X509Plain") }
            reply += Self.x509Plain
            expectation = .go
        case .go:
            guard bytes == [1] else { throw DisplayFault(cause: "no X509Plain") }
            return true
        }
        return false
    }

    /// What is said inside TLS.
    static func credentials(name: String, password: String) -> [UInt8] {
        let (name, password) = (Array(name.utf8), Array(password.utf8))
        return [name.count, password.count].flatMap { count in
            withUnsafeBytes(of: UInt32(clamping: count).bigEndian) { Array($0) }
        } + name + password
    }
}
