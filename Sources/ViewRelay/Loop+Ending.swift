import ControlProtocol
import Glibc
import RelayProtocol

/// How a connection ends: in one place, which says why.
extension Loop {
    /// The viewer closed, or its connection broke.
    func viewerEnded(_ link: Link, broke: Bool) {
        switch link.pointee.stage {
        case .parting, .lingering: end(link, link.pointee.cause)
        case .web where !broke:
            // Half of it: the web module may still answer.
            shutdown(link.pointee.display, Int32(SHUT_WR))
        case .view where link.pointee.isRaw && !broke && link.pointee.frames == nil: viewerHalfEnded(link)
        case .view, .rfbHandshake: end(link, broke ? EndCause.viewerBroke : EndCause.viewerLeft)
        case .web: end(link, EndCause.viewerBroke)
        default: end(link, EndCause.leftEarly)
        }
    }

    /// The display or the web module closed: what it said last still goes to the viewer.
    func displayEnded(_ link: Link, broke: Bool) {
        switch link.pointee.stage {
        case .view where link.pointee.isRaw && !broke && link.pointee.frames == nil: displayHalfEnded(link)
        case .linking: refuse(link, "502 Bad Gateway", EndCause.dataLinkFailed)
        case .rfbHandshake where link.pointee.handshake?.owesResult == true:
            refuse(link, "502 Bad Gateway", EndCause.displayEnded)
        case .web: drain(link, EndCause.webEnded)
        case .rfbHandshake where link.pointee.handshake?.progress == .refused: drain(link, EndCause.displayRefused)
        default: drain(link, EndCause.displayEnded)
        }
    }

    /// The display of a view closed its side, though a viewer that reads slowly may not have taken all it said: nobody
    /// waits for that.
    func displayIsLeaving(_ link: Link) {
        guard link.pointee.stage == .view, !link.pointee.isRaw else { return }
        let now = monotonicSeconds()
        link.pointee.cause = EndCause.displayEnded
        link.pointee.deadline = now + Loop.drainTime
        awaitProof(link, now)
    }

    private func drain(_ link: Link, _ cause: String) {
        let now = monotonicSeconds()
        link.pointee.stage = .draining
        link.pointee.cause = cause
        link.pointee.deadline = now + Loop.drainTime
        awaitProof(link, now)
    }

    /// From now on the viewer has ``partingTime`` to prove its life once more; then the view is reported, whatever still
    /// goes out.
    private func awaitProof(_ link: Link, _ now: Double) {
        guard link.pointee.began != nil, !link.pointee.isReported else { return }
        guard state.pointee.parting[link.pointee.serial] == nil else { return }
        link.pointee.partingSince = now
        state.pointee.parting[link.pointee.serial] = link
    }

    /// An orderly end from our side: says goodbye, and lets the viewer answer, so that its last proof of life is fresh.
    func part(_ link: Link, _ cause: String, closeCode: UInt16) {
        switch link.pointee.stage {
        case .view, .draining: break
        case .parting: return
        default:
            end(link, cause, closeCode: closeCode)
            return
        }
        let cause = link.pointee.stage == .draining ? link.pointee.cause : cause
        guard link.pointee.began != nil, !link.pointee.isReported, !link.pointee.isBroken else {
            end(link, cause, closeCode: closeCode)
            return
        }
        sayGoodbye(link, closeCode)
        guard !link.pointee.isBroken else {
            end(link, cause)
            return
        }
        shutdown(link.pointee.viewer, Int32(SHUT_WR))
        let now = monotonicSeconds()
        renewProof(link, now)
        link.pointee.stage = .parting
        link.pointee.cause = cause
        link.pointee.deadline = now + Loop.partingTime
        link.pointee.viewerTail.free()
        link.pointee.displayTail.free()
        if link.pointee.display >= 0 { close(link.pointee.display) }
        link.pointee.display = -1
        awaitProof(link, now)
        enqueue(link)
    }

    private func sayGoodbye(_ link: Link, _ closeCode: UInt16) {
        guard link.pointee.viewerTail.isEmpty else { return }
        if link.pointee.frames != nil { sendArray(link, WebSocketFrame.closing(closeCode)) }
        link.pointee.tls?.closeNotify()
        flushCipher(link)
    }

    /// Tells the viewer `words`, under `status` where it speaks HTTP, and closes; the operator reads `cause`.
    func refuse(_ link: Link, _ status: String, _ cause: String, detail: String = "", words: String? = nil) {
        if !detail.isEmpty { log(link, "refused", [("detail", detail)]) }
        let who = cause == EndCause.controllerSilent ? "The gateway does not answer" : "Your session cannot be reached"
        let plain = "\(who) now; please try again in a minute."
        refuse(
            link, answer: link.pointee.venCrypt?.refusal(words ?? plain) ?? HTTPAnswer.refusal(status, reason: words),
            cause)
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
        if stage != .lingering, stage != .parting, !link.pointee.isBroken {
            switch stage {
            case .tlsHandshake, .greetedHandshake, .directHandshake: flushCipher(link)
            default: sayGoodbye(link, closeCode)
            }
        }
        scratch.pointee.outputCount = 0
        hasOpened(link)
        admission.leave(link.pointee.peer.source, turnedAway: link.pointee.turnedAway != nil)
        counters.count(cause)
        if link.pointee.viewID != nil {
            report(link, cause)
        } else if cause != EndCause.tooManyOpenings, link.pointee.way != .web || cause != EndCause.webEnded {
            log(link, "connection ended", [("cause", cause)])
        }
        link.pointee.tls?.free()
        link.pointee.tls = nil
        close(link.pointee.viewer)
        if link.pointee.display >= 0 { close(link.pointee.display) }
        link.pointee.viewerTail.free()
        link.pointee.displayTail.free()
        state.pointee.parting[link.pointee.serial] = nil
        state.pointee.connections[link.pointee.serial] = nil
        state.pointee.ended.append(link)
    }

    /// Reports the end of a view, once: with the last proof of life as it is now.
    func report(_ link: Link, _ cause: String) {
        guard let view = link.pointee.viewID, !link.pointee.isReported else { return }
        link.pointee.isReported = true
        if state.pointee.views[view] == link { state.pointee.views[view] = nil }
        let now = monotonicSeconds()
        // Who said goodbye himself was heard just now.
        if link.pointee.proof.last < now - Loop.acknowledgementGrain { renewProof(link, now) }
        let seconds = link.pointee.began.map { link.pointee.proof.seconds(since: $0, at: now) } ?? 0
        controller.ended(
            ViewEnd(
                view: view, began: link.pointee.began, seconds: seconds, bytesToViewer: link.pointee.bytesToViewer,
                bytesFromViewer: link.pointee.bytesFromViewer, cause: cause))
        log(
            link, "view ended",
            [
                ("cause", cause), ("seconds", "\(Int(seconds))"), ("to_viewer", "\(link.pointee.bytesToViewer)"),
                ("from_viewer", "\(link.pointee.bytesFromViewer)"),
            ])
    }

    /// One line about `link`.
    func log(_ link: Link, _ event: String, _ fields: [(String, String)]) {
        var all = [
            ("peer", link.pointee.peer.address.host), ("way", link.pointee.way.rawValue),
        ]
        if let view = link.pointee.viewID { all.append(("view", "\(view)")) }
        RelayLog.append(event, all + fields, to: &state.pointee.lines)
    }
}
