import SessionModel

/// A protocol version that changes what is said (RFC 6143 §7.1.1); any other one counts as 3.3.
public enum RFBVersion: UInt8, Comparable, Sendable {
    case v3_3 = 3, v3_7 = 7, v3_8 = 8

    /// The 12 bytes that name it.
    public var greeting: [UInt8] { Array("RFB 003.00\(rawValue)\n".utf8) }

    /// Reads the 12 bytes of a ProtocolVersion; nil when they are none.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == 12, bytes.starts(with: "RFB ".utf8), bytes[7] == 46, bytes[11] == 10,
            let major = Int(String(decoding: bytes[4..<7], as: UTF8.self)),
            let minor = Int(String(decoding: bytes[8..<11], as: UTF8.self))
        else { return nil }
        if major > 3 || (major == 3 && minor >= 8) {
            self = .v3_8
        } else {
            self = major == 3 && minor == 7 ? .v3_7 : .v3_3
        }
    }

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// Why a handshake cannot go on.
public enum HandshakeFault: String, Error, Sendable {
    case viewerVersion = "viewer speaks no RFB"
    case displayVersion = "display speaks no RFB"
    case noCommonSecurity = "display offers no VncAuth"
    case viewerChoice = "viewer chose a security type that was not offered"
    case displayRefusedRelay = "display refused the relay's password"
    case tooMuch = "too much before the handshake's end"
}

/// The handshake between viewer and display (RFC 6143 §7.1, §7.2.2, §7.3.1), with the relay in between: it passes
/// VncAuth through, or does it itself and offers the viewer None.
public struct RFBHandshake: Sendable {
    /// What to send after some bytes came.
    public struct Output: Equatable, Sendable {
        public var toViewer: [UInt8] = []
        public var toDisplay: [UInt8] = []

        /// These bytes, to one or both.
        public init(toViewer: [UInt8] = [], toDisplay: [UInt8] = []) {
            self.toViewer = toViewer
            self.toDisplay = toDisplay
        }
    }

    /// How far it is.
    public enum Progress: Equatable, Sendable {
        case running
        /// The display refused the viewer; its words are passed on until it closes.
        case refused
        /// What follows are the messages; ``leftover()`` has those that came already.
        case done
    }

    private enum Expectation: Equatable {
        case displayVersion, viewerVersion, typeCount, types(Int), type33, viewerChoice, challenge, response, result
        case relayTypeCount, relayTypes(Int), relayChallenge, relayResult, offerVersion, noneChoice
        case clientInit, refused, done

        /// Who speaks next, and how many bytes.
        var awaited: (viewer: Bool, count: Int)? {
            switch self {
            case .displayVersion: (false, 12)
            case .viewerVersion, .offerVersion: (true, 12)
            case .typeCount, .relayTypeCount: (false, 1)
            case .types(let count), .relayTypes(let count): (false, count)
            case .type33, .result, .relayResult: (false, 4)
            case .viewerChoice, .noneChoice, .clientInit: (true, 1)
            case .challenge, .relayChallenge: (false, 16)
            case .response: (true, 16)
            case .refused, .done: nil
            }
        }
    }

    private let password: Secret?
    private let allowsNone: Bool
    /// Whether the viewer is past its security types and waits for a SecurityResult.
    private let isAdmitted: Bool
    /// The security type offered to the viewer.
    private var offered: UInt8 = 2
    private var expectation = Expectation.displayVersion
    private var version = RFBVersion.v3_8
    private var fromViewer: [UInt8] = []
    private var fromDisplay: [UInt8] = []

    /// With `password` the relay answers the display with it; with nil viewer and display do VncAuth, or None where
    /// `allowsNone` and the display offers nothing better.
    public init(password: Secret?, allowsNone: Bool = false) {
        self.password = password
        self.allowsNone = allowsNone
        isAdmitted = false
    }

    /// The viewer has shown who it is already: the relay answers the display with `password`, or takes None where
    /// `allowsNone` and it has no password, and only then the viewer gets its SecurityResult.
    public init(admittedWith password: Secret?, allowsNone: Bool) {
        self.password = password
        self.allowsNone = allowsNone
        isAdmitted = true
    }

    /// Whether the viewer still waits for its SecurityResult, which the caller may make a refusal.
    public var owesResult: Bool { isAdmitted && expectation != .clientInit && expectation != .done }

    /// How far it is.
    public var progress: Progress {
        switch expectation {
        case .done: .done
        case .refused: .refused
        default: .running
        }
    }

    /// Bytes beyond the handshake that came already; asked once, when it is done.
    public mutating func leftover() -> (fromViewer: [UInt8], fromDisplay: [UInt8]) {
        defer { (fromViewer, fromDisplay) = ([], []) }
        return (fromViewer, fromDisplay)
    }

    /// The viewer sent `bytes`.
    public mutating func viewerSent(_ bytes: some Sequence<UInt8>) throws(HandshakeFault) -> Output {
        fromViewer.append(contentsOf: bytes)
        return try advance()
    }

    /// The display sent `bytes`.
    public mutating func displaySent(_ bytes: some Sequence<UInt8>) throws(HandshakeFault) -> Output {
        fromDisplay.append(contentsOf: bytes)
        return try advance()
    }

    private mutating func advance() throws(HandshakeFault) -> Output {
        var output = Output()
        while let awaited = expectation.awaited {
            if awaited.viewer {
                guard fromViewer.count >= awaited.count else { break }
                let bytes = Array(fromViewer.prefix(awaited.count))
                fromViewer.removeFirst(awaited.count)
                try take(bytes, &output)
            } else {
                guard fromDisplay.count >= awaited.count else { break }
                let bytes = Array(fromDisplay.prefix(awaited.count))
                fromDisplay.removeFirst(awaited.count)
                try take(bytes, &output)
            }
        }
        if expectation == .refused {
            output.toViewer += fromDisplay
            (fromViewer, fromDisplay) = ([], [])
        }
        guard expectation == .done || fromViewer.count + fromDisplay.count <= 64 * 1024 else { throw .tooMuch }
        return output
    }

    private mutating func take(_ bytes: [UInt8], _ output: inout Output) throws(HandshakeFault) {
        switch expectation {
        case .displayVersion:
            guard RFBVersion(bytes) != nil else { throw .displayVersion }
            if password == nil, !isAdmitted {
                output.toViewer += RFBVersion.v3_8.greeting
                expectation = .viewerVersion
            } else {
                output.toDisplay += RFBVersion.v3_8.greeting
                expectation = .relayTypeCount
            }
        case .viewerVersion:
            version = try viewerVersion(bytes)
            output.toDisplay += version.greeting
            expectation = version == .v3_3 ? .type33 : .typeCount
        case .typeCount:
            // No type at all: a reason follows (RFC 6143 §7.1.2).
            if bytes[0] == 0 { output.toViewer += bytes }
            expectation = bytes[0] == 0 ? .refused : .types(Int(bytes[0]))
        case .types:
            guard bytes.contains(2) || allowsNone && bytes.contains(1) else { throw .noCommonSecurity }
            offered = bytes.contains(2) ? 2 : 1
            output.toViewer += [1, offered]
            expectation = .viewerChoice
        case .type33:
            guard bytes[..<3] == [0, 0, 0], bytes[3] == 2 || bytes[3] == 0 || allowsNone && bytes[3] == 1 else {
                throw .noCommonSecurity
            }
            output.toViewer += bytes
            expectation = bytes[3] == 2 ? .challenge : bytes[3] == 1 ? .clientInit : .refused
        case .viewerChoice:
            guard bytes == [offered] else { throw .viewerChoice }
            output.toDisplay += bytes
            // Before 3.8 there is no SecurityResult after None (RFC 6143 §7.1.3, appendix A).
            expectation = offered == 2 ? .challenge : version == .v3_8 ? .result : .clientInit
        case .challenge:
            output.toViewer += bytes
            expectation = .response
        case .response:
            output.toDisplay += bytes
            expectation = .result
        case .result:
            output.toViewer += bytes
            expectation = bytes == [0, 0, 0, 0] ? .clientInit : .refused
        case .relayTypeCount:
            guard bytes[0] > 0 else { throw .displayRefusedRelay }
            expectation = .relayTypes(Int(bytes[0]))
        case .relayTypes:
            if password != nil, bytes.contains(2) {
                output.toDisplay += [2]
                expectation = .relayChallenge
            } else {
                guard allowsNone, bytes.contains(1) else { throw .noCommonSecurity }
                output.toDisplay += [1]
                expectation = .relayResult
            }
        case .relayChallenge:
            output.toDisplay += VNCPassword.response(challenge: bytes, password: password ?? Secret(""))
            expectation = .relayResult
        case .relayResult:
            guard bytes == [0, 0, 0, 0] else { throw .displayRefusedRelay }
            output.toViewer += isAdmitted ? VeNCryptOpening.granted : RFBVersion.v3_8.greeting
            expectation = isAdmitted ? .clientInit : .offerVersion
        case .offerVersion:
            version = try viewerVersion(bytes)
            output.toViewer += version == .v3_3 ? [0, 0, 0, 1] : [1, 1]
            expectation = version == .v3_3 ? .clientInit : .noneChoice
        case .noneChoice:
            guard bytes == [1] else { throw .viewerChoice }
            // Before 3.8 there is no SecurityResult after None (RFC 6143 §7.1.3, appendix A).
            if version == .v3_8 { output.toViewer += [0, 0, 0, 0] }
            expectation = .clientInit
        case .clientInit:
            // Always shared: one viewer never throws the others out (RFC 6143 §7.3.1).
            output.toDisplay += [1]
            expectation = .done
        case .refused, .done: break
        }
    }

    private func viewerVersion(_ bytes: [UInt8]) throws(HandshakeFault) -> RFBVersion {
        guard let version = RFBVersion(bytes) else { throw .viewerVersion }
        return version
    }
}
