import ControlProtocol
import Glibc
import RelayProtocol

/// One viewer's connection with everything that belongs to it. It lives in unsafe memory, owned by one loop.
struct Connection {
    /// How far it is. Until `view` and `web` there is a deadline.
    enum Stage {
        /// In clear: its first bytes, or a head.
        case opening
        /// Greeted in RFB, in clear: up to the choice of TLS.
        case greeted
        case tlsHandshake
        /// Inside TLS: a request head.
        case head
        /// TLS of a viewer that was greeted.
        case greetedHandshake
        /// Inside that TLS: a name and a password.
        case credentials
        case resolving
        /// A socket of a routes file's display is being connected.
        case connecting
        /// The data link was asked for the display.
        case linking
        /// TLS after a CONNECT in clear, or the second layer after one inside TLS; the display waits.
        case directHandshake
        /// A CONNECT inside TLS is granted, and a second layer may follow; the display waits.
        case holding
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

        /// Whether a request was read, and is granted or refused next.
        var awaitsAnswer: Bool {
            switch self {
            case .resolving, .connecting, .linking: true
            default: false
            }
        }
    }

    /// How far the end of one direction is, where each direction has an end of its own.
    enum Half {
        case open
        /// Nothing more comes from there.
        case ended
        /// The other side knows.
        case passedOn
    }

    enum Way: String {
        case none = "opening"
        case webSocket = "websocket"
        case connect
        case direct = "connect in clear"
        case native
        case web
    }

    let serial: UInt64
    let viewer: Int32
    let peer: Peer
    /// Whether it came where native viewers are greeted at once.
    let greetsInRFB: Bool
    /// Why it is refused whatever it wants; nil: it is not.
    let turnedAway: String?
    /// Whether it has not said what it wants.
    var isOpening = true
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
    /// Ciphertext that leaves with the answer to the request: a ticket.
    var held: [UInt8] = []
    /// The opening's bytes; then what came after the head in the same read.
    var gathered: [UInt8] = []
    /// What the display said before the viewer could hear it.
    var early: [UInt8] = []
    var subprotocol: ViewerRequest.Subprotocol?
    var webSocketKey = ""
    var frames: WebSocketReader?
    var base64 = Base64Decoder()
    var handshake: RFBHandshake?
    /// Of a viewer that was greeted.
    var venCrypt: VeNCryptOpening?
    var messages = ClientMessages(mode: .watch)
    /// Where it goes, until the view begins.
    var route: Destination?
    /// The line of a routes file it came by.
    var fileRoute: FileRoute?
    /// What the display's socket may yet be connected to.
    var endpoints: [Endpoint] = []
    /// Whether bytes pass unread.
    var isRaw = false
    var viewerHalf = Half.open
    var displayHalf = Half.open

    var viewID: UInt64?
    /// Monotonic seconds.
    let accepted: Double
    /// When the viewer began to see its display; nil: it has not.
    var began: Double?
    var proof: ProofOfLife
    /// Whether the display's end would show if its host was cut off.
    var keepsDisplay = false
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

    init(
        serial: UInt64, viewer: Int32, peer: Peer, greetsInRFB: Bool, turnedAway: String?, now: Double,
        deadline: Double
    ) {
        self.serial = serial
        self.viewer = viewer
        self.peer = peer
        self.greetsInRFB = greetsInRFB
        self.turnedAway = turnedAway
        accepted = now
        proof = ProofOfLife(at: now)
        self.deadline = deadline
    }
}
