import ControlProtocol
import Glibc
import RelayProtocol

/// One viewer's connection with everything that belongs to it. It lives in unsafe memory, owned by one loop.
struct Connection {
    /// How far it is. Until `view` and `web` there is a deadline.
    enum Stage {
        /// In clear: its first bytes, or a head.
        case opening
        case tlsHandshake
        /// Inside TLS: a request head.
        case head
        case resolving
        /// The data link was asked for the display.
        case linking
        /// TLS after a CONNECT in clear; the display waits.
        case directHandshake
        case rfbHandshake
        case view
        case web
        /// The other side ended: what is left goes to the viewer, then it ends.
        case draining
        /// Told goodbye: what the viewer still sends only proves its life.
        case parting
        /// Refused: what the viewer still sends is thrown away, so that it reads the answer.
        case lingering
        case ended
    }

    enum Way: String {
        case none = "opening"
        case webSocket = "websocket"
        case connect
        case direct = "connect in clear"
        case web
    }

    let serial: UInt64
    let viewer: Int32
    var display: Int32 = -1
    var tls: TLSSession?
    var stage = Stage.opening
    var way = Way.none

    // Readiness as the last edge told it (epoll(7)).
    var viewerReadable = false
    var viewerWritable = true
    var viewerGone = false
    var displayReadable = false
    var displayWritable = true
    var displayGone = false
    var isBroken = false
    var queued = false
    var nextQueued: UnsafeMutablePointer<Connection>?

    var viewerTail = Tail()
    var displayTail = Tail()
    /// The opening's bytes; then what came after the head in the same read.
    var gathered: [UInt8] = []
    /// What the display said before the viewer could hear it.
    var early: [UInt8] = []
    var subprotocol: ViewerRequest.Subprotocol?
    var webSocketKey = ""
    var frames: WebSocketReader?
    var base64 = Base64Decoder()
    var handshake: RFBHandshake?
    var messages = ClientMessages(mode: .watch)
    var route: Route?

    var viewID: UInt64?
    /// Monotonic seconds.
    let accepted: Double
    /// When the viewer began to see its display; nil: it has not.
    var began: Double?
    var proof: ProofOfLife
    /// Whether TCP's keep-alive time is cut short.
    var isProbed = false
    /// Whether the view's end was reported; the connection may outlive it.
    var isReported = false
    /// Since when an orderly end is under way.
    var partingSince = 0.0
    var deadline: Double
    var bytesToViewer: UInt64 = 0
    var bytesFromViewer: UInt64 = 0
    /// What it will have ended of, while draining, parting or lingering.
    var cause = EndCause.viewerLeft
    var closeCode: UInt16 = 1000

    init(serial: UInt64, viewer: Int32, now: Double, deadline: Double) {
        self.serial = serial
        self.viewer = viewer
        accepted = now
        proof = ProofOfLife(at: now)
        self.deadline = deadline
    }
}
