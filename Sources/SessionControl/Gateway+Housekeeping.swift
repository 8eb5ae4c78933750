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
                try await database.recountUses()
                for host in await fleet.hellos().keys { try await endForgottenDisplays(on: host) }
            } catch is CancellationError {
                return
            } catch {
                log.event("house not kept", level: .warning, [.cause: "\(error)"])
            }
        }
    }

    /// Ends displays that were claimed long ago for a start that died, on a host that can be asked now: their claims
    /// keep the numbers from everyone else until then.
    private func endForgottenDisplays(on host: HostName) async throws {
        for display in try await database.displays(on: host)
        where display.session == nil && display.age >= 2 * DisplayRepair.pending {
            try await carryOut(.endDisplay(display.number), on: host, keys: [display.number: display.key])
        }
    }
}
