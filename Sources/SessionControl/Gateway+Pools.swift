import HostAccess
import HostProtocol
import SessionModel
import SessionStore

/// What every display of a pool has.
enum PoolRules {
    /// Bits per pixel; another depth is a new display.
    static let depth = 24
    /// Until a session sets its own.
    static let geometry = Geometry.usual
}

extension Gateway {
    /// Keeps displays ready on every host until the task is cancelled. Of several controllers one tends a host.
    func keepPools() async {
        for await _ in pools.calls() {
            if Task.isCancelled { return }
            do {
                try await tendPools()
            } catch {
                log.event("pools not tended", level: .warning, [.cause: "\(error)"])
            }
        }
    }

    /// One round over all hosts. It starts what is to be made and does not wait for it.
    private func tendPools() async throws {
        let states = await fleet.states()
        guard !states.isEmpty else { return }
        let hosts = try await database.hosts().filter { $0.access != nil && states[$0.name] != nil }
        var tended: [HostRecord] = []
        for host in hosts where try await duties.holds(Duties.host(host.name)) { tended.append(host) }
        guard !tended.isEmpty else { return }
        let recent = try await database.recentStarts()
        let sharing = hosts.filter(\.takesSessions).count
        for withGL in [false, true] {
            let ready = try await database.readyDisplays(withGL: withGL, on: tended.map(\.name), perHost: 1000)
            let displays = Dictionary(grouping: ready, by: \.id.host)
            for host in tended {
                guard let state = states[host.name] else { continue }
                let kind = Pools.Kind(host: host.name, withGL: withGL)
                // What the other kind is making takes of the same memory.
                let other = await pools.making(Pools.Kind(host: host.name, withGL: !withGL))
                let memory = state.load.map { $0.memoryAvailable - other * PoolPlan.Rules.memoryWithGL }
                let facts = PoolPlan.Facts(
                    ready: displays[host.name]?.count ?? 0, starting: await pools.making(kind),
                    recent: (withGL ? recent.withGL : recent.withoutGL).asStarts, sharing: max(1, sharing),
                    refillSeconds: await pools.refill(kind), uses: host.uses, maximumUses: host.maximumUses,
                    memoryAvailable: memory)
                await tend(host, state, withGL: withGL, facts, displays[host.name] ?? [])
            }
        }
    }

    /// One kind of display on one host: what is outdated goes, then as many are made or ended as the plan says.
    private func tend(
        _ host: HostRecord, _ state: HostState, withGL: Bool, _ facts: PoolPlan.Facts, _ displays: [ReadyDisplay]
    ) async {
        var facts = facts
        let outdated = displays.compactMap { display in reason(to: display, state).map { (display, $0) } }
        for (display, reason) in outdated { await retire(display, on: host.name, reason) }
        facts.ready -= outdated.count
        // A host that is set aside keeps what it has until a probe tells more.
        if host.isSetAside { return }
        let kind = Pools.Kind(host: host.name, withGL: withGL)
        var moves = PoolPlan.Moves(make: 0, end: facts.ready)
        if host.takesSessions {
            let target = await pools.target(kind, facts, settings.pool.rules(withGL: withGL))
            moves = PoolPlan.moves(facts, target: target)
        }
        let spare = displays.filter { display in !outdated.contains { $0.0.id == display.id } }
        for display in spare.prefix(moves.end) { await retire(display, on: host.name, "not needed") }
        if starts.comeFirst { return }
        for _ in 0..<(await pools.begin(kind, moves.make, most: settings.pool.makesAtOnce)) {
            Task { await makeReady(kind, state) }
        }
    }

    /// Why a ready display is not to be handed out any more; nil when it is as good as new.
    private func reason(to display: ReadyDisplay, _ state: HostState) -> String? {
        if let template = state.template, template != display.template { return "made from what has changed since" }
        if display.bootID != state.hello.bootID { return "made before the host started anew" }
        if display.age > Int(settings.pool.longestReady.components.seconds) { return "ready for too long" }
        return nil
    }

    /// Ends a ready display, unless a start was faster.
    private func retire(_ display: ReadyDisplay, on host: HostName, _ reason: String) async {
        do {
            guard try await database.retire(display.id, reason: reason, as: .ending) else { return }
            log.event(
                "ready display ended",
                [.host: "\(host)", .display: "\(display.id.number)", .reason: reason])
            Task {
                if await endOnHost(display.id, key: display.key) {
                    try? await database.releaseDisplay(display.id.number, key: display.key, on: host)
                }
            }
        } catch {
            log.event("ready display not ended", level: .warning, [.host: "\(host)", .cause: "\(error)"])
        }
    }

    /// Makes one display that waits for a session.
    private func makeReady(_ kind: Pools.Kind, _ state: HostState) async {
        let began = ContinuousClock.now
        let fresh = FreshDisplay(
            host: kind.host, key: .token(), password: .viewerPassword(), geometry: PoolRules.geometry,
            depth: PoolRules.depth, withGL: kind.withGL, uidBase: settings.uids.displays.first,
            uidCount: settings.uids.displays.count)
        do {
            guard let claim = try await database.claimForPool(fresh, template: state.template ?? "") else {
                return await pools.failed(kind)
            }
            let id = DisplayID(host: kind.host, number: claim.number)
            do {
                _ = try await fleet.channel(kind.host).ask(
                    .makeDisplay(
                        DisplayOrder(
                            display: claim.number, geometry: fresh.geometry, depth: fresh.depth, withGL: kind.withGL,
                            uid: claim.uid, password: fresh.password, key: fresh.key, waits: true)),
                    within: .seconds(20))
                if try await database.markDisplayReady(
                    id, bootID: state.hello.bootID, template: state.template ?? "")
                {
                    return await pools.made(kind, after: (ContinuousClock.now - began) / .seconds(1))
                }
                _ = await endOnHost(id, key: fresh.key)
            } catch let failure as HostAccessError {
                await notMade(id, fresh.key, failure)
            }
        } catch {
            log.event("no display made ready", level: .warning, [.host: "\(kind.host)", .cause: "\(error)"])
        }
        await pools.failed(kind)
    }

    /// A display for the pool failed: its number goes back when the host says that nothing is left of it.
    private func notMade(_ id: DisplayID, _ key: Secret, _ failure: HostAccessError) async {
        log.event(
            "no display made ready", level: .warning,
            [.host: "\(id.host)", .display: "\(id.number)", .cause: failure.operatorCause ?? ""])
        do {
            if case .failed(_, let cause) = failure, cause.kind != .displayBusy {
                try await database.releaseDisplay(id.number, key: key, on: id.host)
            } else {
                _ = try await database.retire(id, reason: failure.step, as: .broken)
                if case .late = failure { _ = await endOnHost(id, key: key) }
            }
        } catch {
            log.event("display not given back", level: .warning, [.host: "\(id.host)", .cause: "\(error)"])
        }
        if StartVerdict(failure, isMaking: true) == .nextHost(isHostsFault: true) { await blame(id.host, failure.step) }
    }

    /// Ends a display that serves nobody; false when the host could not be asked, then healing or housekeeping does it.
    @discardableResult
    func endOnHost(_ display: DisplayID, key: Secret?) async -> Bool {
        do {
            _ = try await fleet.channel(display.host).ask(
                .endDisplay(display: display.number, key: key, patienceSeconds: 0), within: .seconds(20))
            return true
        } catch {
            log.event(
                "display not ended yet", level: .warning,
                [.host: "\(display.host)", .display: "\(display.number)", .cause: "\(error)"])
            return false
        }
    }
}
