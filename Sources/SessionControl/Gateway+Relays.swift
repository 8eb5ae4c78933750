import ControlProtocol
import SessionModel
import SessionStore

/// What relays tell: views open, live and end. While the database is away it is kept on disk.
extension Gateway {
    /// A viewer sees the display.
    func viewOpened(_ opening: ViewOpening) async throws -> ControlReply {
        try await write([entry(opening.view, began: opening.began, seconds: 0)], otherwise: ()) {
            _ = try await database.openView(
                opening.view, began: opening.began, clock: MachineClock.boot, age: age(since: opening.began))
        }
        log.event("view opened", [.view: "\(opening.view)"])
        return .done("")
    }

    /// A relay lives, and so do its views; those it shall cut are told.
    func relayBeat(_ beat: RelayBeat) async throws -> ControlReply {
        relayFigures.withLock { $0.heard(beat, now: .now) }
        let entries = beat.views.map { entry($0.view, began: $0.began, seconds: $0.seconds) }
        return .beats(
            cut: try await write(entries, otherwise: []) {
                try await database.beatViews(
                    relay: beat.name, instance: beat.instance, isLeaving: beat.isLeaving,
                    predecessors: beat.predecessors, clock: MachineClock.boot, at: beat.at,
                    beat.views.map {
                        ViewProof(view: $0.view, began: $0.began, seconds: $0.seconds, age: age(since: $0.began))
                    })
            })
    }

    /// A relay asks, more often than it tells of its views, which of them may not go on. While the database is away all
    /// may.
    func withdrawn(ofRelay instance: String) async throws -> [UInt64] {
        do {
            return try await database.withdrawnViews(ofRelay: instance)
        } catch StoreError.unavailable {
            return []
        }
    }

    /// `maxwell counters`. While the database is away it tells nothing of a load test's sessions.
    func counters() async -> [String: UInt64] {
        var counters = database.counters().merging(relayFigures.withLock { $0.counters(now: .now) }) { own, _ in own }
        (counters["pool.hits"], counters["pool.misses"]) = poolCounts.withLock { ($0.hits, $0.misses) }
        guard let states = try? await database.stressStates() else { return counters }
        for state in SessionState.allCases { counters["stress.\(state)"] = UInt64(states[state] ?? 0) }
        return counters
    }

    /// A view ended: its time is written.
    func viewClosed(_ end: ViewEnd) async throws -> ControlReply {
        var entry = entry(end.view, began: end.began, seconds: end.seconds)
        entry.end = ViewBacklog.Entry.End(
            bytesToViewer: end.bytesToViewer, bytesFromViewer: end.bytesFromViewer, cause: end.cause)
        try await write([entry], otherwise: ()) { try await put(entry) }
        log.event("view closed", [.view: "\(end.view)", .took: "\(end.seconds)", .cause: end.cause])
        return .done("")
    }

    /// Writes what waits for the database as soon as it is there again.
    func keepJournal() async {
        while !Task.isCancelled {
            do {
                while await journal.isOpen {
                    let (words, lines) = await journal.waiting
                    let outcomes = await results(of: words, atMost: Self.putTogether, putOrDrop)
                    for outcome in outcomes { try outcome.get() }
                    try await journal.written(lines)
                }
            } catch {
                log.event("views not written yet", level: .warning, [.cause: "\(error)"])
            }
            try? await Task.sleep(for: .seconds(2))
        }
    }

    /// How many words from the journal are put into the tables at a time: what comes meanwhile waits behind them.
    private static let putTogether = 64

    /// As ``put(_:)``; a word that the tables refuse for good keeps nobody waiting behind it.
    private func putOrDrop(_ entry: ViewBacklog.Entry) async -> Result<Void, StoreError> {
        do throws(StoreError) {
            try await put(entry)
        } catch {
            switch error {
            case .internal(let cause), .duplicate(let cause):
                log.event("view not written", level: .error, [.view: "\(entry.view)", .cause: cause])
            default: return .failure(error)
            }
        }
        return .success(())
    }

    /// Puts into the tables what was told of one view; again, if it was already.
    private func put(_ entry: ViewBacklog.Entry) async throws(StoreError) {
        let elapsed = entry.began.map { began in
            entry.clock == MachineClock.boot ? age(since: began) : max(0, MachineClock.date - entry.opened)
        }
        if let end = entry.end {
            try await database.closeView(
                ViewClosing(
                    view: entry.view, began: entry.began, clock: entry.clock, age: elapsed, seconds: entry.seconds,
                    toViewer: end.bytesToViewer, fromViewer: end.bytesFromViewer, cause: end.cause))
        } else if let began = entry.began, let elapsed {
            guard try await database.openView(entry.view, began: began, clock: entry.clock, age: elapsed) else {
                return
            }
            try await database.noteProof(of: entry.view, seconds: entry.seconds)
        }
    }

    /// Has `write` carried out or, while the database is away or has not caught up, `entries` kept on disk. Until then their
    /// views are among ``toldViews``.
    private func write<Result: Sendable>(
        _ entries: [ViewBacklog.Entry], otherwise: Result, _ write: () async throws -> Result
    ) async throws -> Result {
        toldViews.begin(entries)
        defer { toldViews.finished(entries) }
        if await !journal.isOpen {
            do {
                return try await write()
            } catch StoreError.unavailable(let cause) {
                log.event("views kept on disk", level: .warning, [.cause: cause])
            }
        }
        try await journal.keep(entries)
        return otherwise
    }

    private func entry(_ view: UInt64, began: Double?, seconds: Double) -> ViewBacklog.Entry {
        ViewBacklog.Entry(
            view: view, began: began, clock: MachineClock.boot,
            opened: MachineClock.date - (began.map { age(since: $0) } ?? 0), seconds: seconds)
    }

    private func age(since began: Double) -> Double { max(0, MachineClock.monotonic - began) }
}
