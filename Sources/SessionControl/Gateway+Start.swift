import ControlProtocol
import HostAccess
import HostProtocol
import SessionModel
import SessionStore

extension Gateway {
    /// Starts an application for a user: on a display that stands ready, else on a new one. What fails is tried with the
    /// next display, then on the next host; only when nothing is left does the user hear of it.
    func start(_ order: StartOrder) async throws -> SessionNumber {
        starts.began()
        defer {
            starts.ended()
            if !order.isSynthetic { pools.wake() }
        }
        let application = try await catalogue.application(order.application)
        var attempt = StartAttempt(order, application, try await lodging(for: order, of: application))
        do {
            // Before a display is taken for what may be refused.
            attempt.network = try await network(of: application)
            repeat {
                let choices = try await choices(for: attempt)
                for (place, choice) in choices.enumerated() where attempt.mayGoOn {
                    let left = attempt.patienceLeft - Self.timeForAStart
                    let patience = place == choices.count - 1 ? left : min(Self.turnPatience, left)
                    guard let number = try await start(&attempt, on: choice, within: patience) else { continue }
                    log.event(
                        "session started",
                        [
                            .session: "\(number)", .user: "\(order.user)", .application: "\(application.name)",
                            .host: "\(choice.record.name)", .took: "\(ContinuousClock.now - attempt.began)",
                        ])
                    let lodging = attempt.lodging
                    if lodging.hasHome {
                        Task { await lookAtHome(of: lodging, in: number, on: choice.record.name) }
                    }
                    return number
                }
            } while attempt.lostEveryHost
        } catch {
            throw await failed(attempt, error)
        }
        throw await failed(attempt, attempt.lastComplaint)
    }

    /// One host, when there is a turn on it within `patience`: its ready displays, a few of them, then a new one. Nil when
    /// another host should be tried.
    private func start(
        _ attempt: inout StartAttempt, on choice: HostChoice, within patience: Duration
    ) async throws -> SessionNumber? {
        let host = choice.record.name
        let takesReady = !attempt.order.isSynthetic
        starts.came(to: host, takesReady: takesReady)
        var isOnItsWay = true
        defer { if isOnItsWay { starts.left(host, takesReady: takesReady) } }
        // Nobody stands behind a load test.
        let line = attempt.order.stress == nil ? turns : turnsOfTests
        let most = max(Self.leastAtWork, Self.atWorkPerCore * choice.cores)
        guard let turn = await line.take(on: host, of: most, within: patience) else {
            attempt.noteNoTurn(on: host, "busy with other starts for too long")
            return nil
        }
        defer { turn.end() }
        var ready = choice.ready
        if turn.hasWaited {
            attempt.noteTurn(on: host)
            guard try await database.host(host)?.status == choice.record.status else {
                attempt.note("host", on: host, nil, "taken out of use while others had their turns")
                return nil
            }
            // Those before it have taken theirs.
            if !attempt.order.isSynthetic {
                ready = try await readyDisplays(for: attempt.application, on: [host])[host] ?? []
            }
        }
        var tries = 0
        while tries < Self.displaysTried, attempt.mayGoOn {
            let isFresh = ready.isEmpty || tries >= Self.readyTried
            let claim = isFresh ? .fresh(fresh(attempt.application, on: choice.record.name)) : DisplayClaim.ready(ready)
            guard let display = try await claimDisplay(claim, for: &attempt) else {
                if isFresh { return nil }
                ready = []
                continue
            }
            if isOnItsWay { starts.left(host, takesReady: takesReady) }
            isOnItsWay = false
            tries += 1
            ready.removeAll { $0 == display.id }
            switch try await start(&attempt, on: display, of: choice) {
            case nil: return attempt.number
            case .nextDisplay: continue
            case .nextHost(let isHostsFault):
                if isHostsFault { await blame(choice.record.name, for: attempt) }
                return nil
            case .giveUp: throw attempt.complaint
            }
        }
        if tries == Self.displaysTried { await blame(choice.record.name, for: attempt) }
        return nil
    }

    /// Starts that are at work on a host at a time: an application's start waits for the disk now and then.
    private static let leastAtWork = 4
    private static let atWorkPerCore = 2
    /// How long a start waits for its turn on a host before it tries the next one; on the last, as long as it may.
    private static let turnPatience = Duration.seconds(20)
    /// What whoever has its turn at last still needs of the patience of who asked.
    private static let timeForAStart = Duration.seconds(5)

    /// Displays tried on one host: so many ready ones, and new ones up to so many in all (numbers that somebody else
    /// uses there are passed over).
    private static let readyTried = 3
    private static let displaysTried = 16

    /// One display, to the application's start; nil when all is well.
    private func start(
        _ attempt: inout StartAttempt, on display: SessionDisplay, of choice: HostChoice
    ) async throws -> StartVerdict? {
        let host = choice.record.name
        guard let number = attempt.number else { return nil }
        var isMaking = !display.wasReady
        let handOver = "hand-over of a \(display.wasReady ? "ready" : "new") display"
        do {
            let channel = try await fleet.channel(host)
            if isMaking {
                try await make(display, attempt, channel)
                let hello = await channel.hello
                _ = try await database.markDisplayReady(
                    display.id, bootID: hello?.bootID ?? "", template: hello?.template ?? "")
                attempt.note("new display", on: host, display.id.number)
                isMaking = false
            }
            try await furnish(attempt.lodging, on: host, channel)
            try await self.handOver(display, number, attempt, channel)
            attempt.note(handOver, on: host, display.id.number)
            try await database.markRunning(number, steps: StartStep.text(attempt.steps))
            if !attempt.order.isSynthetic {
                countPool(display)
                if (choice.record.access?.failures ?? 0) > 0 { await vindicate(host) }
            }
            return nil
        } catch let failure as HostAccessError {
            attempt.note(isMaking ? "new display" : handOver, on: host, display.id.number, failed: failure)
            log.event(
                "display failed a start", level: .warning,
                [
                    .session: "\(number)", .host: "\(host)", .display: "\(display.id.number)",
                    .cause: failure.operatorCause ?? "",
                ])
            let verdict = StartVerdict(failure, isMaking: isMaking)
            await drop(display, of: number, after: failure, isMaking: isMaking)
            return verdict
        }
    }

    /// Counts a failed start against its host; that of a synthetic display takes no host from people.
    private func blame(_ host: HostName, for attempt: StartAttempt) async {
        if !attempt.order.isSynthetic { await blame(host, attempt.generalFailure) }
    }

    private func countPool(_ display: SessionDisplay) {
        poolCounts.withLock { counts in
            if display.wasReady { counts.hits += 1 } else { counts.misses += 1 }
        }
    }

    /// Takes a display for the attempt's session, whose rows come with the first one; nil when there is none to take.
    private func claimDisplay(_ claim: DisplayClaim, for attempt: inout StartAttempt) async throws -> SessionDisplay? {
        if let number = attempt.number { return try await database.reclaim(number, claiming: claim) }
        switch try await database.beginSession(attempt.session, claiming: claim, limits: limits(of: attempt)) {
        case .began(let number, let display):
            attempt.number = number
            return display
        case .noneLeft: return nil
        case .userLimit(let most): throw SessionError.tooManyOfUser(attempt.order.user, most)
        case .applicationLimit(let most): throw SessionError.tooManyOfApplication(attempt.application.name, most)
        }
    }

    /// Who tests what the gateway can carry is not stopped by what people may have.
    private func limits(of attempt: StartAttempt) -> SessionLimits {
        guard attempt.order.stress == nil else { return SessionLimits() }
        return SessionLimits(
            perUser: settings.sessions.mostPerUser,
            perApplication: attempt.application.mostSessions ?? settings.sessions.mostPerApplication)
    }

    private func fresh(_ application: Application, on host: HostName) -> FreshDisplay {
        FreshDisplay(
            host: host, key: .token(), password: .viewerPassword(), geometry: application.geometry,
            depth: application.depth, withGL: application.needsGL, uidBase: settings.uids.displays.first,
            uidCount: settings.uids.displays.count)
    }

    private func make(
        _ display: SessionDisplay, _ attempt: StartAttempt, _ channel: HostChannel
    ) async throws(HostAccessError) {
        let application = attempt.application
        _ = try await channel.ask(
            .makeDisplay(
                DisplayOrder(
                    display: display.id.number, geometry: application.geometry, depth: application.depth,
                    withGL: application.needsGL, uid: display.uid, password: display.password, key: display.key,
                    synthetic: attempt.order.isSynthetic)),
            within: .seconds(20))
    }

    /// Hands a display that stands to the session: geometry, home, application.
    private func handOver(
        _ display: SessionDisplay, _ number: SessionNumber, _ attempt: StartAttempt, _ channel: HostChannel
    ) async throws(HostAccessError) {
        let application = attempt.application
        let resources = ResourcesText(
            session: number, token: attempt.token, application: application, version: attempt.order.version,
            gatewayName: settings.gateway.name, gatewayURL: settings.gateway.url,
            resultsFolder: "\(attempt.lodging.account.home)/data/results/\(number)")
        _ = try await channel.ask(
            .startApplication(
                ApplicationOrder(
                    display: display.id.number, key: display.key, session: number, account: attempt.lodging.account,
                    command: application.command, geometry: application.geometry, resources: resources.text,
                    parameters: attempt.order.parameters, environment: [:],
                    limits: application.limits ?? settings.limits,
                    network: attempt.network, tree: application.tree,
                    mayMakeUserNamespaces: application.mayMakeUserNamespaces,
                    notice: homeNotice(of: attempt.lodging, on: display.id.host))),
            within: .seconds(20))
    }

    /// The network an application's container gets; nil: none. An open one whose limits are not known is refused.
    private func network(of application: Application) async throws(SessionError) -> NetworkOrder? {
        guard application.network != .none else { return nil }
        var denied = settings.network.denied
        if application.network == .open { denied += try await ownAddresses.all(hosts: await fleet.addresses) }
        return NetworkOrder(
            policy: application.network, denied: denied, range: settings.network.range, range6: settings.network.range6)
    }

    /// Takes a display that failed away from its session. Of a broken one, and of one whose host does not tell, the record
    /// stays for a while with the reason, and the host ends it while the start goes on; any other is spent and goes.
    private func drop(
        _ display: SessionDisplay, of number: SessionNumber, after failure: HostAccessError, isMaking: Bool
    ) async {
        var fate = DropReason.broken(failure.step)
        if case .failed(_, let cause) = failure {
            switch cause.kind {
            // Somebody else's: the number is left alone, and nothing of ours is there.
            case .displayBusy where isMaking: break
            // A display that could not be made is gone already.
            case _ where isMaking: fate = .gone
            case .displayBroken, .displayFailed, .displayUnknown, .displayBusy:
                Task { await endOnHost(display.id, key: display.key) }
            default: if await endOnHost(display.id, key: display.key) { fate = .gone }
            }
        } else {
            Task { await endOnHost(display.id, key: display.key) }
        }
        do {
            try await database.dropDisplay(display.id, of: number, as: fate)
        } catch {
            log.event(
                "display not taken from its session", level: .warning,
                [.session: "\(number)", .display: "\(display.id.number)", .cause: "\(error)"])
        }
    }

    /// The one way a start fails: the session's rows go, what was tried is kept, and an administrator is told when it
    /// was no mistake of the user's.
    private func failed(_ attempt: StartAttempt, _ error: any Error) async -> any Error {
        let steps = StartStep.text(attempt.steps)
        if let number = attempt.number {
            await endSession(number, reason: .startFailed, steps: steps)
        }
        guard attempt.isGateways(error) else { return error }
        let sentence = (error as? any UserFacingError)?.userMessage ?? "\(error)"
        let failure = attempt.steps.isEmpty ? sentence : attempt.generalFailure
        var recorded = attempt.number
        if recorded == nil {
            recorded = try? await database.recordFailedStart(
                attempt.session, reason: sentence, errorID: nil, steps: steps)
        }
        let number = recorded.map { "\($0)" } ?? ""
        log.event(
            "start failed everywhere", level: .error,
            [
                .session: number, .user: "\(attempt.order.user)", .application: "\(attempt.application.name)",
                .cause: failure,
            ])
        // Who tests sees it, and wakes nobody.
        if attempt.order.stress != nil { return error }
        await notices.send(
            "start failed",
            "\(attempt.order.user) could not start \(attempt.application.name): \(failure)."
                + (number.isEmpty ? "" : " 'maxwell why \(number)' tells what was tried."))
        return error
    }
}
