import SessionModel

/// A viewer of our own: one RFB connection through the gateway, blocking with deadlines, for one thread at a time.
///
/// It decodes Raw, Hextile and CopyRect, follows DesktopSize and ExtendedDesktopSize (RFC 6143, and the community's RFB
/// protocol page for the latter). ``close()`` ends it; so does letting go of it.
public final class Viewer {
    /// What the gateway's certificate said of itself.
    public let certificate: Certificate
    /// The moment when the way through the gateway stood and RFB could begin.
    public let opened = ContinuousClock.now
    /// The RFB security type that was used: 1 None, 2 VncAuth.
    public private(set) var security: UInt8 = 0
    /// The desktop's name.
    public internal(set) var name = ""
    /// What has been drawn so far.
    public internal(set) var picture = Picture(width: 0, height: 0)
    /// The texts of the ClientAction messages (server message 32) that came so far.
    public internal(set) var actions: [String] = []
    /// Bells heard so far.
    public internal(set) var bells = 0
    /// Updates decoded so far.
    public internal(set) var updates: UInt64 = 0

    /// Bytes of RFB that came so far.
    public var bytesReceived: UInt64 { reader.received }

    let channel: any Channel
    let reader: Reader
    /// The screen's id, which a size asked for has to repeat; known after the first ExtendedDesktopSize.
    var screen: (id: UInt32, flags: UInt32)?
    /// Pixels drawn since the last whole frame was asked for.
    var freshPixels = 0
    /// The answer to the last SetDesktopSize: 0 is good.
    var sizeStatus: UInt16?

    private init(_ channel: any Channel, _ certificate: Certificate) {
        self.channel = channel
        self.certificate = certificate
        reader = Reader(channel)
    }

    deinit { channel.close() }

    /// Comes in by `way`, logs in to the display and is ready for ``frame(within:)``.
    ///
    /// - Parameters:
    ///   - password: for VncAuth; None is taken whenever it is offered.
    ///   - following: whether the viewer announces that it follows the desktop's size. One that does not must not ask
    ///     for another size: TigerVNC 1.12's Xvnc dies of it, and the gateway has to guard against that.
    ///   - pixels: how the display shall send what it shows.
    ///   - patience: for all of it together.
    public static func open(
        _ way: WayIn, host: String, port: Int, token: Secret, trust: Trust, password: Secret? = nil,
        following: Bool = true, pixels: PixelEncoding = .raw, within patience: Duration = .seconds(10)
    ) throws(ViewError) -> Viewer {
        let deadline = Deadline(after: patience)
        let (channel, certificate) = try way.open(host: host, port: port, token: token, trust: trust, by: deadline)
        let viewer = Viewer(channel, certificate)
        try viewer.logIn(password, by: deadline)
        try viewer.prepare(following: following, pixels, by: deadline)
        return viewer
    }

    /// Ends the connection; twice does no harm.
    public func close() { channel.close() }

    /// Lets the connection go without a word, as a viewer that is killed; twice does no harm.
    public func abandon() { channel.abandon() }

    /// RFC 6143 §7.1: version, security, its result.
    private func logIn(_ password: Secret?, by deadline: Deadline) throws(ViewError) {
        let greeting = try reader.take(12, "the display's greeting", by: deadline)
        guard greeting.starts(with: "RFB 003.".utf8) else { throw .broken("no RFB greeting") }
        try channel.send(Array("RFB 003.008\n".utf8), by: deadline)
        let count: UInt8 = try reader.number("the security types", by: deadline)
        guard count > 0 else {
            throw .authentication(try reader.text("the reason for a refusal", by: deadline))
        }
        let offered = try reader.take(Int(count), "the security types", by: deadline)
        if offered.contains(1) {
            security = 1
            try channel.send([1], by: deadline)
        } else if offered.contains(2), let password {
            security = 2
            try channel.send([2], by: deadline)
            let challenge = try reader.take(16, "the password's challenge", by: deadline)
            try channel.send(VNCPassword.response(challenge: challenge, password: password), by: deadline)
        } else {
            throw .noCommonSecurity(offered: offered)
        }
        let result: UInt32 = try reader.number("the login's result", by: deadline)
        guard result == 0 else {
            throw .authentication(try reader.text("the reason for a refusal", by: deadline))
        }
    }

    /// RFC 6143 §7.3, then our pixel format and encodings.
    private func prepare(
        following: Bool, _ pixels: PixelEncoding, by deadline: Deadline
    ) throws(ViewError) {
        try channel.send([1], by: deadline)
        let width: UInt16 = try reader.number("the desktop's size", by: deadline)
        let height: UInt16 = try reader.number("the desktop's size", by: deadline)
        _ = try reader.take(16, "the desktop's pixel format", by: deadline)
        name = try reader.text("the desktop's name", by: deadline)
        try resize(to: Int(width), Int(height))
        // 32 bits a pixel, depth 24, little endian, true colour, 255 each, red at 16, green at 8, blue at 0.
        try channel.send(
            [0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0], by: deadline)
        let encodings =
            [Encoding.copyRect] + (pixels == .hextile ? [.hextile, .raw] : [.raw])
            + (following ? [.desktopSize, .extendedDesktopSize] : [])
        try channel.send(
            [2, 0] + UInt16(encodings.count).bigEndianBytes + encodings.flatMap { $0.rawValue.bigEndianBytes },
            by: deadline)
    }
}

/// How a display sends its pixels to a viewer.
public enum PixelEncoding: Sendable {
    /// Each as it is, four bytes.
    case raw
    /// In tiles of few colours, as viewers of people ask for something that takes less than the pixels.
    case hextile
}

/// What a rectangle holds (RFC 6143 §7.7, and pseudo-encodings).
enum Encoding: Int32 {
    case raw = 0, copyRect = 1, hextile = 5, desktopSize = -223, extendedDesktopSize = -308
}
