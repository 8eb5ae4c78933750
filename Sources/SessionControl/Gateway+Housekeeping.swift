import SessionModel

extension Gateway {
    /// What nobody else ends, every minute: views whose end was not written to the last row, tickets past their time, rows
    /// that a crash left half made or a portal wrote back as they were before. Of several controllers one does.
    func keepHouse() async {
        var next = ContinuousClock.now + .seconds(30)
        while !Task.isCancelled {
            do {
                // The duty is gone round with more often than there is something to do: else another takes it over.
                try await Task.sleep(for: .seconds(5))
                guard try await duties.holds(Duties.house), next <= .now else { continue }
                next = .now + .seconds(60)
                try await clean()
            } catch is CancellationError {
                return
            } catch {
                log.event("house not kept", level: .warning, [.cause: "\(error)"])
            }
        }
    }

    private func clean() async throws {
        let logged = try await database.logEndedViews()
        if logged > 0 { log.event("ends of views written late", level: .warning, [.status: "\(logged)"]) }
        for number in try await database.correctPortalRows() {
            log.event("rows of the portal put right", level: .warning, [.session: "\(number)"])
        }
        // What opens a view that was reserved before the database went may wait for it.
        if await !journal.isOpen { _ = try await database.removeStaleReservations() }
        _ = try await database.removeExpiredTokens()
        _ = try await database.removeHalfBegun()
        for session in try await database.stuckStarts(olderThan: 2 * Reconciliation.pending) {
            await endSession(session.number, reason: .startInterrupted, steps: "[]")
        }
        // What has no host to be healed with.
        for session in try await database.endingSessions()
        where session.endingFor >= Reconciliation.pending && (!session.isMoved || session.display == nil) {
            await finishEnd(session)
        }
        _ = try await database.removeOldSessions(days: 30)
        _ = try await database.removeStressRows(endedDaysAgo: 30)
        try await database.recountUses()
    }

    /// Ends displays that nobody will take: claimed for somebody who died meanwhile, or broken and looked at long enough.
    /// Their claims keep the numbers from everyone else until then.
    func endForgotten() async {
        while !Task.isCancelled {
            do {
                try await Task.sleep(for: .seconds(10))
                for host in await fleet.states().keys where try await duties.holds(Duties.host(host)) {
                    for display in try await database.displays(on: host) where display.isForgotten {
                        try await carryOut(.endDisplay(display.number, key: display.key), on: host)
                    }
                }
            } catch is CancellationError {
                return
            } catch {
                log.event("forgotten displays not ended", level: .warning, [.cause: "\(error)"])
            }
        }
    }
}
