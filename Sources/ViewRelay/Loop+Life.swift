import CLinux
import ControlProtocol
import Glibc
import RelayProtocol

/// What time brings: who lives, who is too slow, what the controller hears of it.
extension Loop {
    /// Once a second: who is too slow or too silent; and as often as ``LiveViews/period`` says, the live views, after
    /// their viewers were asked for a proof of life.
    func tick(_ now: Double) {
        state.pointee.nextTick = now.rounded(.down) + 1
        reviewRoutes(now)
        let asks = !state.pointee.hasAsked && now >= state.pointee.nextBeat - 1.05
        if asks { state.pointee.hasAsked = true }
        for link in Array(state.pointee.connections.values) {
            switch link.pointee.stage {
            case .view where link.pointee.isReported:
                if now > link.pointee.deadline { end(link, link.pointee.cause) }
            case .view, .web:
                if !link.pointee.keepsDisplay { keepDisplay(link) }
                renewProof(link, now)
                if link.pointee.proof.isDead(at: now) {
                    end(link, EndCause.viewerSilent, closeCode: 1001)
                } else if asks, link.pointee.stage == .view {
                    ask(link, now)
                }
            case .resolving where now > link.pointee.deadline:
                refuse(link, "503 Service Unavailable", EndCause.controllerSilent)
            case .draining where now > link.pointee.deadline, .lingering where now > link.pointee.deadline:
                end(link, link.pointee.cause)
            case .draining, .lingering, .parting, .ended: break
            default: if now > link.pointee.deadline { end(link, EndCause.tooSlow) }
            }
        }
        if now >= state.pointee.nextBeat { beat(now) }
    }

    /// Hands in every view whose end is not reported. All loops do so at the same moments, so that their lists make one
    /// that is not older than any.
    private func beat(_ now: Double) {
        var views: [ViewBeat] = []
        for link in state.pointee.views.values {
            guard let view = link.pointee.viewID, let began = link.pointee.began else { continue }
            views.append(ViewBeat(view: view, began: began, seconds: link.pointee.proof.seconds(since: began, at: now)))
        }
        controller.live(views, of: index, at: now)
        state.pointee.nextBeat = (now / LiveViews.period + 1).rounded(.down) * LiveViews.period
        state.pointee.hasAsked = false
    }

    /// Asks the viewer of a view for a proof of life: a WebSocket by a ping, the others by TCP's own keep-alive probe,
    /// which goes out when the time is set that was over already.
    private func ask(_ link: Link, _ now: Double) {
        guard link.pointee.frames == nil else {
            guard link.pointee.viewerTail.isEmpty else { return }
            sendArray(link, WebSocketFrame.control(WebSocketFrame.ping, []))
            if link.pointee.isBroken { end(link, EndCause.viewerBroke) }
            return
        }
        let silence = now - link.pointee.proof.last
        guard silence >= 1, silence < Double(Loop.keepIdle) else { return }
        _ = clinux_tcp_option(link.pointee.viewer, clinux_tcp_keep_idle, 1)
        link.pointee.isProbed = true
    }

    /// Takes the last TCP acknowledgement for a proof of life, where it is one.
    func renewProof(_ link: Link, _ now: Double) {
        let isHeldUp = !link.pointee.viewerTail.isEmpty || !link.pointee.displayTail.isEmpty
        guard ProofOfLife.acknowledgementCounts(isWebSocket: link.pointee.frames != nil, isHeldUp: isHeldUp) else {
            return
        }
        var milliseconds: UInt32 = 0
        guard clinux_last_acknowledged(link.pointee.viewer, &milliseconds) == 0 else { return }
        link.pointee.proof.acknowledged(Double(milliseconds) / 1000, ago: now)
        guard link.pointee.isProbed else { return }
        _ = clinux_tcp_option(link.pointee.viewer, clinux_tcp_keep_idle, Loop.keepIdle)
        link.pointee.isProbed = false
    }

    /// Who was told goodbye, or will be once it has taken what still goes out: reports the view as soon as the viewer
    /// proves its life, or when the time for that is over.
    func lookAtParting(_ now: Double) {
        state.pointee.lastLook = now
        for link in Array(state.pointee.parting.values) {
            renewProof(link, now)
            let isFresh = link.pointee.proof.last >= link.pointee.partingSince - Loop.acknowledgementGrain
            if isFresh || now - link.pointee.partingSince >= Loop.partingTime { report(link, link.pointee.cause) }
            if link.pointee.stage == .parting {
                if now >= link.pointee.deadline { end(link, link.pointee.cause) }
            } else if link.pointee.isReported {
                state.pointee.parting[link.pointee.serial] = nil
            }
        }
    }
}
