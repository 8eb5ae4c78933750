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
            } catch is CancellationError {
                return
            } catch {
                log.event("house not kept", level: .warning, [.cause: "\(error)"])
            }
        }
    }
}
