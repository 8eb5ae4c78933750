import ControlProtocol
import Glibc
import RelayProtocol

/// How a connection ends: in one place, which says why.
extension Loop {
    /// The viewer closed, or its connection broke.
    func viewerEnded(_ link: Link, broke: Bool) {
        switch link.pointee.stage {
        case .lingering: end(link, link.pointee.cause)
        case .web where !broke:
            // Half of it: the web module may still answer.
            shutdown(link.pointee.display, Int32(SHUT_WR))
        case .view, .rfbHandshake: end(link, broke ? EndCause.viewerBroke : EndCause.viewerLeft)
        case .web: end(link, EndCause.viewerBroke)
        default: end(link, EndCause.leftEarly)
        }
    }

    /// The display or the web module closed: what it said last still goes to the viewer.
    func displayEnded(_ link: Link) {
        switch link.pointee.stage {
        case .linking: refuse(link, "502 Bad Gateway", EndCause.dataLinkFailed)
        case .web: drain(link, EndCause.webEnded)
        case .rfbHandshake where link.pointee.handshake?.progress == .refused: drain(link, EndCause.displayRefused)
        default: drain(link, EndCause.displayEnded)
        }
    }

    private func drain(_ link: Link, _ cause: String) {
        link.pointee.stage = .draining
        link.pointee.cause = cause
        link.pointee.deadline = monotonicSeconds() + 10
    }

    /// Tells the viewer `status` and closes; the operator reads `cause`.
    func refuse(_ link: Link, _ status: String, _ cause: String, detail: String = "") {
        if !detail.isEmpty { log(link, "refused", [("detail", detail)]) }
        refuse(link, answer: HTTPAnswer.refusal(status), cause)
    }

    /// Sends `answer` and throws away what the viewer still sends, for 2 s at most: closing at once would reset the
    /// connection and could take the answer with it.
    func refuse(_ link: Link, answer: [UInt8], _ cause: String) {
        sendArray(link, answer)
        link.pointee.tls?.closeNotify()
        flushCipher(link)
        shutdown(link.pointee.viewer, Int32(SHUT_WR))
        link.pointee.cause = cause
        link.pointee.stage = .lingering
        link.pointee.deadline = monotonicSeconds() + 2
    }

    /// The one place where a connection ends.
    func end(_ link: Link, _ cause: String, closeCode: UInt16 = 1000) {
        guard link.pointee.stage != .ended else { return }
        let stage = link.pointee.stage
        link.pointee.stage = .ended
        if stage != .lingering, !link.pointee.isBroken, link.pointee.viewerTail.isEmpty {
            if link.pointee.frames != nil { sendArray(link, WebSocketFrame.closing(closeCode)) }
            if stage != .tlsHandshake, stage != .directHandshake { link.pointee.tls?.closeNotify() }
            flushCipher(link)
        }
        scratch.pointee.outputCount = 0
        counters.count(cause)
        let seconds = monotonicSeconds() - link.pointee.viewStarted
        if let view = link.pointee.viewID {
            if state.pointee.views[view] == link { state.pointee.views[view] = nil }
            controller.ended(
                ViewEnd(
                    view: view, began: link.pointee.viewStarted, seconds: seconds, bytesToViewer: link.pointee.bytesToViewer,
                    bytesFromViewer: link.pointee.bytesFromViewer, cause: cause))
            log(
                link, "view ended",
                [
                    ("cause", cause), ("seconds", "\(Int(seconds))"), ("to_viewer", "\(link.pointee.bytesToViewer)"),
                    ("from_viewer", "\(link.pointee.bytesFromViewer)"),
                ])
        } else if link.pointee.way != .web || cause != EndCause.webEnded {
            log(link, "connection ended", [("cause", cause)])
        }
        link.pointee.tls?.free()
        link.pointee.tls = nil
        close(link.pointee.viewer)
        if link.pointee.display >= 0 { close(link.pointee.display) }
        link.pointee.viewerTail.free()
        link.pointee.displayTail.free()
        state.pointee.connections[link.pointee.serial] = nil
        state.pointee.ended.append(link)
    }

    /// One line about `link`.
    func log(_ link: Link, _ event: String, _ fields: [(String, String)]) {
        var all = [
            ("peer", PeerAddress.other(of: link.pointee.viewer)?.host ?? ""), ("way", link.pointee.way.rawValue),
        ]
        if let view = link.pointee.viewID { all.append(("view", "\(view)")) }
        RelayLog.write(event, all + fields)
    }
}
