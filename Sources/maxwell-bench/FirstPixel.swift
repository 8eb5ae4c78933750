import SessionModel
import ViewClient

/// How viewers come in.
struct Doorway {
    /// Told instead of the host and port of `maxwell view`'s answer, where they are given.
    let host: String?
    let port: Int?
    let trust: Trust
}

/// A session's first pixels, seen as a viewer in a browser sees them: through the relay by TLS and WebSocket.
///
/// A display nobody draws on has one colour. The application's pixels are there as soon as more than 4096 pixels differ
/// from the bottom right corner of the first whole picture, or when that corner is not black: Xvnc's root window is
/// black all over, and a pointer that the server draws into the picture has at most 64 by 64 pixels.
struct FirstPixel {
    /// From the call until TLS and WebSocket stood.
    let opening: Duration
    /// From there until the application's pixels were decoded: RFB's log-in, the first pictures.
    let painting: Duration
    /// The moment when they were.
    let seen: ContinuousClock.Instant

    /// Looks at the display that `view` tells until the application is seen, for at most ten seconds, and leaves.
    init(of view: Gateway.View, through doorway: Doorway) throws(Refusal) {
        let began = ContinuousClock.now
        do throws(ViewError) {
            let viewer = try Viewer.open(
                .webSocketBinary, host: doorway.host ?? view.host, port: doorway.port ?? view.port, token: view.token,
                trust: doorway.trust, password: VNCPassword.revealed(view.encpassword), pixels: .hextile)
            defer { viewer.close() }
            var background: UInt32?
            _ = try viewer.frame { picture in
                if background == nil { background = picture[picture.width - 1, picture.height - 1] }
                guard let background else { return false }
                return background != 0 || picture.pixels.count - picture.count(of: background) > 64 * 64
            }
            seen = ContinuousClock.now
            opening = viewer.opened - began
            painting = seen - viewer.opened
        } catch {
            throw Refusal(error.userMessage, error.exitStatus, cause: error.operatorCause)
        }
    }
}
