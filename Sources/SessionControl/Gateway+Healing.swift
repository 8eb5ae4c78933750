import HostAccess
import HostProtocol
import SessionModel
import SessionStore

extension Gateway {
    /// What a host tells unasked.
    func heard(_ event: HostEvent, from host: HostName) async {
        switch event {
        case .connected(let hello):
            log.event("host connected", [.host: "\(host)", .status: hello.version])
            await heal(host, hello)
        case .disconnected(let cause):
            log.event("host disconnected", level: .warning, [.host: "\(host)", .cause: cause])
        case .applicationExited(let end):
            await ended(end, reason: "the application exited")
        case .displayDied(let end):
            await ended(end, reason: "the display died")
            if end.session == nil { await lostReady(end.display, on: host) }
        case .load: pools.wake()
        }
    }

    private func ended(_ end: DisplayEnd, reason: String) async {
        guard let session = end.session else { return }
        await endSession(session, reason: reason, account: end)
    }

    /// A display that served nobody died: it is no longer to be handed out.
    private func lostReady(_ display: DisplayNumber, on host: HostName) async {
        do {
            let id = DisplayID(host: host, number: display)
            guard try await database.retire(id, reason: "it died while it was ready", as: .broken) else { return }
            log.event("ready display died", level: .warning, [.host: "\(host)", .display: "\(display)"])
            pools.wake()
        } catch {
            log.event("ready display not taken out", level: .warning, [.host: "\(host)", .cause: "\(error)"])
        }
    }

    /// Makes records and a host agree after it connected: the host's inventory says what is there.
    private func heal(_ host: HostName, _ hello: HostHello) async {
        do {
            try await database.noteHost(
                host, bootID: hello.bootID, isolation: hello.isolation, agentVersion: hello.version)
            for session in try await database.endingSessions() where session.place?.host == host {
                await finishEnd(session, reason: "an end that was interrupted", failedStart: nil, account: nil)
            }
            let displays = try await database.displays(on: host)
            let living = Set(try await database.sessions(on: host).map(\.number))
            let repairs = DisplayRepair.plan(
                claims: displays.map { $0.claim(living: living, boot: hello.bootID) },
                observed: hello.inventory.map { DisplayRepair.Observed(display: $0.display, key: $0.key) })
            for repair in repairs { try await carryOut(repair, on: host) }
        } catch {
            log.event("host not healed", level: .error, [.host: "\(host)", .cause: "\(error)"])
        }
        await openLink(host)
        pools.wake()
    }

    /// Makes one repair.
    func carryOut(_ repair: DisplayRepair, on host: HostName) async throws {
        switch repair {
        case .endSession(let number):
            await endSession(number, reason: "its display is gone from the host")
        case .endDisplay(let display, let key):
            let patience = Double(settings.hosts.stopPatience.components.seconds)
            _ = try await fleet.channel(host).ask(
                .endDisplay(display: display, key: key, patienceSeconds: patience),
                within: .seconds(2 * patience + 20))
            if let key { try await database.releaseDisplay(display, key: key, on: host) }
            log.event("stray display ended", [.host: "\(host)", .display: "\(display)"])
        case .releaseClaim(let display, let key):
            try await database.releaseDisplay(display, key: key, on: host)
            log.event("claim released", [.host: "\(host)", .display: "\(display)"])
        }
    }

    /// Opens the picture link before the first viewer needs it.
    private func openLink(_ host: HostName) async {
        do {
            _ = try await fleet.link(host).socket()
        } catch {
            log.event("picture link not open", level: .warning, [.host: "\(host)", .cause: "\(error)"])
        }
    }
}
