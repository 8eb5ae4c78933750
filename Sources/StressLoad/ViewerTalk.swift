import RelayProtocol
import SessionModel
import Stress

/// What a viewer was told to come with.
struct Pass: Sendable {
    var way: StressPlan.Way
    /// The token of a view; of a native viewer the ticket.
    var token: Secret
    /// What a native viewer's person types: `stress-0001+12`.
    var name: String
    /// The display's, where it asks for one.
    var password: Secret?
    /// As the request names it.
    var host: String
}

/// All that one viewer says and hears, inside TLS and before it: bytes and moments in, bytes and events out.
struct ViewerTalk {
    enum Event: Equatable {
        /// TLS shall begin.
        case secure
        /// Send these.
        case send([UInt8])
        /// The relay let it in; the display has not said a word.
        case admitted
        /// RFB stands: from here on the relay counts its view.
        case began
        /// It has the whole picture, for the first time.
        case picture
        /// An update is whole, of so many bytes since the last.
        case update(bytes: Int)
        /// What was drawn where it looks is something else.
        case changed
        /// The relay or the display says goodbye.
        case goodbye
    }

    private enum Stage { case native(NativeOpening), start, head, login(DisplayLogin), messages, over }

    private let pass: Pass
    private let watched: DisplayMessages.Area?
    private var stage = Stage.start
    /// Beside its stage, so that it is changed in place.
    private var messages: DisplayMessages?
    private var frames: ServerFrames?
    private var gathered: [UInt8] = []
    private var masks: SeededGenerator
    /// Pixels that the first picture still lacks; nil: it is there.
    private var missing: Int?
    private var bytesSinceUpdate = 0
    private var events: [Event] = []
    /// The desktop's size; 0 before it is known.
    private(set) var width = 0
    private(set) var height = 0

    /// A viewer that is connecting; `watched` is where it looks for changes, nil: everywhere.
    init(_ pass: Pass, watched: DisplayMessages.Area?, seed: UInt64) {
        self.pass = pass
        self.watched = watched
        masks = SeededGenerator(seed: seed)
    }

    /// The connection stands.
    mutating func connected() -> [Event] {
        guard pass.way == .native else { return [.secure] }
        stage = .native(NativeOpening())
        return []
    }

    /// TLS stands.
    mutating func secured() -> [Event] {
        switch pass.way {
        case .native:
            stage = .login(.afterCredentials())
            return [.send(NativeOpening.credentials(name: pass.name, password: pass.token.exposed))]
        case .connect:
            stage = .head
            let target = "vncsession:\(pass.token.exposed)"
            return [.send(Array("CONNECT \(target) HTTP/1.1\r\nHost: \(target)\r\n\r\n".utf8))]
        case .webSocket:
            stage = .head
            let key = Base64.encode((0..<16).map { _ in UInt8.random(in: .min ... .max, using: &masks) })
            return [
                .send(
                    Array(
                        ("GET /websockify?token=\(pass.token.exposed) HTTP/1.1\r\nHost: \(pass.host)\r\n"
                            + "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: \(key)\r\n"
                            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: binary\r\n\r\n").utf8))
            ]
        }
    }

    /// The relay said `bytes`. After a fault nothing more may be asked.
    mutating func heard(_ bytes: UnsafeRawBufferPointer) throws(DisplayFault) -> [Event] {
        events = []
        switch stage {
        case .native(var opening):
            switch try opening.take(bytes) {
            case .reply(let reply):
                stage = .native(opening)
                if !reply.isEmpty { events.append(.send(reply)) }
            case .secure(let reply):
                stage = .start
                events += [.send(reply), .secure]
            }
        case .head: try head(bytes)
        case .login, .messages: try carried(bytes)
        case .start: throw DisplayFault(cause: "bytes before their time")
        case .over: break
        }
        return events
    }

    /// Whether a change in the picture is to be told.
    mutating func look(_ isWatching: Bool) { messages?.isWatching = isWatching }

    /// Presses a key and lets go of it (RFC 6143 §7.5.4).
    mutating func key(_ keysym: UInt32) -> [UInt8] {
        let symbol = withUnsafeBytes(of: keysym.bigEndian) { Array($0) }
        return framed([4, 1, 0, 0] + symbol + [4, 0, 0, 0] + symbol)
    }

    /// Moves the pointer (RFC 6143 §7.5.5).
    mutating func pointer(x: Int, y: Int) -> [UInt8] {
        framed([5, 0] + Self.bytes16(max(0, min(x, width - 1))) + Self.bytes16(max(0, min(y, height - 1))))
    }

    /// What an orderly end says; empty where TLS says it.
    mutating func goodbye() -> [UInt8] {
        frames == nil
            ? [] : ViewerFrame.masked([0x03, 0xe8], opcode: WebSocketFrame.close, mask: masks.nextMask())
    }

    // The head of an answer of HTTP/1.x.

    private mutating func head(_ bytes: UnsafeRawBufferPointer) throws(DisplayFault) {
        gathered += bytes
        guard let end = Self.headEnd(gathered) else {
            guard gathered.count <= 8192 else { throw DisplayFault(cause: "an endless answer") }
            return
        }
        let line = gathered.prefix { $0 != 13 }
        let status = String(decoding: line.dropFirst(9).prefix(3), as: UTF8.self)
        guard line.starts(with: "HTTP/1.".utf8), status == (pass.way == .webSocket ? "101" : "200") else {
            let words = printable(gathered[end...])
            throw DisplayFault(cause: "answered " + printable(line.dropFirst(9)) + (words.isEmpty ? "" : ": " + words))
        }
        events.append(.admitted)
        if pass.way == .webSocket { frames = ServerFrames() }
        stage = .login(DisplayLogin(password: pass.password))
        let rest = Array(gathered[end...])
        gathered = []
        try within(rest) { (talk: inout Self, bytes) throws(DisplayFault) in try talk.carried(bytes) }
    }

    private static func headEnd(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        return (4...bytes.count).first { bytes[$0 - 4..<$0].elementsEqual([13, 10, 13, 10]) }
    }

    private mutating func within(
        _ bytes: [UInt8], _ body: (inout Self, UnsafeRawBufferPointer) throws(DisplayFault) -> Void
    ) throws(DisplayFault) {
        let outcome = bytes.withUnsafeBytes { raw in
            Result { () throws(DisplayFault) in try body(&self, raw) }
        }
        try outcome.get()
    }

    /// What carries RFB: frames, or nothing.
    private mutating func carried(_ bytes: UnsafeRawBufferPointer) throws(DisplayFault) {
        guard frames != nil else { return try display(bytes) }
        var position = 0
        while true {
            guard let event = try frames?.next(bytes, at: &position) else { return }
            switch event {
            case .needMore: return
            case .data(let range): try display(UnsafeRawBufferPointer(rebasing: bytes[range]))
            case .ping(let payload):
                events.append(.send(ViewerFrame.masked(payload, opcode: WebSocketFrame.pong, mask: masks.nextMask())))
            case .close:
                stage = .over
                events.append(.goodbye)
                return
            }
        }
    }

    private mutating func display(_ bytes: UnsafeRawBufferPointer) throws(DisplayFault) {
        guard bytes.count > 0 else { return }
        switch stage {
        case .login(var login):
            let wasAdmitted = login.isAdmitted
            let step = try login.take(bytes)
            if login.isAdmitted, !wasAdmitted {
                if pass.way == .native { events.append(.admitted) }
                events.append(.began)
            }
            switch step {
            case .reply(let reply):
                stage = .login(login)
                if !reply.isEmpty { send(reply) }
            case .done(let reply, let width, let height, let early):
                send(reply + Self.preparation)
                messages = try DisplayMessages(width: width, height: height)
                messages?.watched = watched
                stage = .messages
                (self.width, self.height) = (width, height)
                missing = width * height
                ask(whole: true)
                try within(early) { (talk: inout Self, bytes) throws(DisplayFault) in try talk.display(bytes) }
            }
        case .messages:
            bytesSinceUpdate += bytes.count
            if let seen = try messages?.take(bytes) { saw(seen) }
        case .native, .start, .head, .over: break
        }
    }

    private mutating func saw(_ seen: DisplayMessages.Seen) {
        if seen.isResized, let messages {
            (width, height) = (messages.width, messages.height)
            if missing != nil { missing = width * height }
        }
        if seen.isChanged { events.append(.changed) }
        if let left = missing { missing = left - seen.pixels }
        guard seen.updates > 0 else { return }
        events.append(.update(bytes: bytesSinceUpdate))
        bytesSinceUpdate = 0
        if let left = missing, left <= 0 {
            missing = nil
            events.append(.picture)
        }
        // TigerVNC answers a first request with sizes alone, and counts it as answered; the pixels it owes come with the
        // next.
        ask(whole: seen.isResized)
    }

    /// FramebufferUpdateRequest, RFC 6143 §7.5.3.
    private mutating func ask(whole: Bool) {
        send([3, whole ? 0 : 1, 0, 0, 0, 0] + Self.bytes16(width) + Self.bytes16(height))
    }

    private mutating func send(_ bytes: [UInt8]) { events.append(.send(framed(bytes))) }

    private mutating func framed(_ bytes: [UInt8]) -> [UInt8] {
        frames == nil ? bytes : ViewerFrame.masked(bytes, mask: masks.nextMask())
    }

    private static func bytes16(_ number: Int) -> [UInt8] { [UInt8(number >> 8 & 255), UInt8(number & 255)] }

    /// SetPixelFormat: 32 bits a pixel, depth 24, little endian, true colour; and SetEncodings.
    private static let preparation: [UInt8] =
        [0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]
        + [2, 0] + bytes16(DisplayMessages.encodings.count)
        + DisplayMessages.encodings.flatMap { encoding in withUnsafeBytes(of: encoding.bigEndian) { Array($0) } }
}

extension SeededGenerator {
    fileprivate mutating func nextMask() -> UInt32 { UInt32(truncatingIfNeeded: next()) }
}
