import Glibc
import RelayProtocol

/// Views whose bytes pass unread. Each direction ends by itself, and the other side is told: a TLS viewer by
/// close_notify and TCP's end, the program by TCP's end. A WebSocket has one end for both (RFC 6455 §5.5.1).
extension Loop {
    /// Viewer and program may talk: what either said already is passed on.
    func beginRaw(_ link: Link) {
        link.pointee.stage = .view
        link.pointee.isRaw = true
        link.pointee.route = nil
        let early = link.pointee.early
        var gathered = link.pointee.gathered
        (link.pointee.early, link.pointee.gathered) = ([], [])
        viewBegan(link)
        sendPayload(link, array: early)
        gathered.withUnsafeMutableBufferPointer { bytes in
            if let base = bytes.baseAddress { viewerBytes(link, base, bytes.count) }
        }
    }

    /// Nothing more comes from the viewer; it may be told again.
    func viewerHalfEnded(_ link: Link) {
        guard link.pointee.viewerHalf == .open else { return }
        link.pointee.viewerHalf = .ended
        passEnds(link)
    }

    /// The same of the display.
    func displayHalfEnded(_ link: Link) {
        guard link.pointee.displayHalf == .open else { return }
        link.pointee.displayHalf = .ended
        if link.pointee.viewerHalf == .open { link.pointee.cause = EndCause.displayEnded }
        passEnds(link)
    }

    /// Tells each side of the other's end once everything it said was passed on; ends the view after both.
    func passEnds(_ link: Link) {
        guard link.pointee.stage == .view else { return }
        if link.pointee.viewerHalf == .ended, link.pointee.displayTail.isEmpty {
            guard link.pointee.frames == nil else {
                end(link, EndCause.viewerLeft)
                return
            }
            link.pointee.viewerHalf = .passedOn
            shutdown(link.pointee.display, Int32(SHUT_WR))
        }
        if link.pointee.displayHalf == .ended, link.pointee.viewerTail.isEmpty {
            link.pointee.tls?.closeNotify()
            flushCipher(link)
            if link.pointee.viewerTail.isEmpty {
                link.pointee.displayHalf = .passedOn
                // After the other half too, it is closed at once.
                if link.pointee.viewerHalf != .passedOn { shutdown(link.pointee.viewer, Int32(SHUT_WR)) }
            }
        }
        if link.pointee.viewerHalf == .passedOn, link.pointee.displayHalf == .passedOn { end(link, link.pointee.cause) }
    }
}
