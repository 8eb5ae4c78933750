import HostAccess
import HostProtocol
import Logging
import SessionModel
import SessionStore

extension Gateway {
    /// What a host tells unasked.
    func heard(_ event: HostEvent, from host: HostName) async {
        switch event {
        case .connected(let hello):
            log.event("host connected", [.host: "\(host)", .status: hello.version])
            await insist("host not noted") {
                try await database.noteHost(
                    host, bootID: hello.bootID, isolation: hello.isolation, agentVersion: hello.version)
            }
            await reconciler.hurry(host)
            pools.wake()
            await openLinks(host)
        case .disconnected(let cause):
            log.event("host disconnected", level: .warning, [.host: "\(host)", .cause: cause])
        case .applicationExited(let end):
            await ended(end, on: host, reason: .applicationExited)
        case .displayDied(let end):
            await ended(end, on: host, reason: .displayDied)
            if end.session == nil { await lostReady(end, on: host) }
        case .load: pools.wake()
        case .mistrusted(let error):
            let cause = error.operatorCause ?? ""
            log.event("host not trusted", level: .error, [.host: "\(host)", .cause: cause])
            await notices.send("host not trusted", "\(host) is not talked to: \(cause).")
        }
    }

    /// A session's display or application ended by itself: told once, so it is insisted on. A host tells of its own
    /// displays alone: of any other it may know the number, and not the key.
    private func ended(_ end: DisplayEnd, on host: HostName, reason: EndReason) async {
        guard let number = end.session else { return }
        await insist("session not ended") {
            // Another gateway's sessions may have the same numbers on a host that is shared.
            guard let session = try await database.session(number),
                session.place == DisplayID(host: host, number: end.display), let key = session.display?.key,
                end.key == key, let begun = try await database.beginEnd(number, reason: reason.text)
            else { return }
            await finishEnd(begun, account: end)
        }
    }

    /// Carries `deed` out, again and again while the database is away.
    private func insist(_ failure: Logger.Message, _ deed: () async throws -> Void) async {
        while !Task.isCancelled {
            do {
                return try await deed()
            } catch StoreError.unavailable(let cause) {
                log.event(failure, level: .warning, [.cause: cause])
                try? await Task.sleep(for: .seconds(2))
            } catch {
                return log.event(failure, level: .error, [.cause: "\(error)"])
            }
        }
    }

    /// A display that served nobody died: it is no longer to be handed out.
    private func lostReady(_ end: DisplayEnd, on host: HostName) async {
        let display = end.display
        do {
            let id = DisplayID(host: host, number: display)
            guard let key = end.key,
                try await database.displays(on: host).contains(where: { $0.number == display && $0.key == key }),
                try await database.retire(id, reason: "it died while it was ready", as: .broken)
            else { return }
            log.event("ready display died", level: .warning, [.host: "\(host)", .display: "\(display)"])
            pools.wake()
        } catch {
            log.event("ready display not taken out", level: .warning, [.host: "\(host)", .cause: "\(error)"])
        }
    }

    /// Makes records and hosts agree until the task is cancelled: each host is looked at when it connects, and every 30
    /// seconds. Of several controllers one does, for each host.
    func keepAgreement() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))
            for host in await reconciler.due(of: fleet.states().keys) {
                Task { await reconcile(host) }
            }
        }
    }

    private func reconcile(_ host: HostName) async {
        do {
            guard try await duties.holds(Duties.host(host)) else { return await reconciler.failed(host) }
            let repairs = try await plan(for: host)
            for repair in await reconciler.looked(at: host, repairs) { try await carryOut(repair, on: host) }
        } catch {
            await reconciler.failed(host)
            log.event("host not healed", level: .warning, [.host: "\(host)", .cause: "\(error)"])
        }
    }

    private func plan(for host: HostName) async throws -> [Reconciliation.Repair] {
        let channel = try await fleet.channel(host)
        guard case .inventory(let inventory) = try await channel.ask(.inventory, within: .seconds(20)),
            let hello = await channel.hello
        else { throw HostAccessError.confused(host, cause: "the inventory was not answered") }
        // The records are read after the host was: what was claimed in between is not taken for a stray.
        let claims = try await database.displays(on: host)
        let sessions = try await database.sessions(on: host)
        let states = Dictionary(sessions.map { ($0.number, $0.state) }) { first, _ in first }
        // What this controller is ending right now is no business of healing.
        let busy = Set(claims.filter { $0.session.map(ends.contains) ?? false }.map(\.number))
        return Reconciliation.plan(
            sessions: sessions.filter { !ends.contains($0.number) }.compactMap(\.asReconciled),
            claims: claims.filter { !busy.contains($0.number) }.map { $0.claim(states: states, boot: hello.bootID) },
            observed: inventory.filter { !busy.contains($0.display) }.map {
                Reconciliation.Observed(display: $0.display, key: $0.key, session: $0.session)
            })
    }

    /// Makes one repair.
    func carryOut(_ repair: Reconciliation.Repair, on host: HostName) async throws {
        switch repair {
        case .endSession(let number):
            await endSession(number, reason: .displayGone)
        case .finishEnd(let number):
            guard let session = try await database.session(number), session.state == .ending else { return }
            log.event("end taken up again", [.session: "\(number)", .host: "\(host)"])
            await finishEnd(session)
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

    /// Opens the picture links before the first viewer needs one.
    private func openLinks(_ host: HostName) async {
        do {
            try await fleet.links(host).open()
        } catch {
            log.event("picture link not open", level: .warning, [.host: "\(host)", .cause: "\(error)"])
        }
    }
}
