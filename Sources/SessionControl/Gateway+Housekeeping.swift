import SessionModel

extension Gateway {
    /// What nobody else ends: views whose relay fell silent, tickets past their time, rows a crash left half made.
    /// The first round is a minute after the start, so that a relay has told its views to a controller that was away.
    func keepHouse() async {
        while !Task.isCancelled {
            do {
                try await Task.sleep(for: .seconds(60))
                for view in try await database.closeAllViews(silentFor: 60) {
                    log.event("view closed", level: .warning, [.view: "\(view)", .cause: "no proof of life for 60 s"])
                }
                _ = try await database.removeExpiredTokens()
                _ = try await database.removeHalfBegun()
                for session in try await database.stuckStarts(olderThan: 2 * DisplayRepair.pending) {
                    await endSession(session.number, reason: "its start was interrupted", failedStart: "[]")
                }
                _ = try await database.removeOldSessions(days: 30)
                try await database.recountUses()
            } catch is CancellationError {
                return
            } catch {
                log.event("house not kept", level: .warning, [.cause: "\(error)"])
            }
        }
    }

    /// Ends displays that nobody will take: claimed for somebody who died meanwhile, or broken and looked at long enough.
    /// Their claims keep the numbers from everyone else until then.
    func endForgotten() async {
        while !Task.isCancelled {
            do {
                try await Task.sleep(for: .seconds(10))
                for host in await fleet.states().keys {
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
