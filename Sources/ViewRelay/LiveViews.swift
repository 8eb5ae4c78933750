import ControlProtocol

/// The loops' lists of live views, made one. Times are monotonic seconds.
struct LiveViews: Sendable {
    /// Seconds between two lists: with a proof of life of the second before (``Loop``), a relay that dies takes at most
    /// 10 s of a view with it.
    static let period = 9.0
    /// A line has at most 512 KiB, a view in it at most 100 bytes.
    static let part = 5_000

    private struct Snapshot: Sendable {
        let at: Double
        let views: [ViewBeat]
    }

    private var snapshots: [Snapshot?]
    /// The loops that handed one in since the last list.
    private var fresh: Set<Int> = []
    private var lastTold = 0.0
    private var isWanted = true

    /// The lists of `loops` loops, none of which has handed one in.
    init(loops: Int) { snapshots = Array(repeating: nil, count: loops) }

    /// A loop's whole list, as it was at `at`; an empty one too.
    mutating func handIn(_ views: [ViewBeat], of loop: Int, at: Double) {
        snapshots[loop] = Snapshot(at: at, views: views)
        fresh.insert(loop)
    }

    /// A list is told at once: whoever listens now has heard none.
    mutating func connected() { isWanted = true }

    /// The list that is due at `now`, in parts if it is long; empty: none is due, or a loop was never heard. `ended` are
    /// views that are told although they are over, as they ended; the rest of a beat is as in `beat`.
    mutating func due(at now: Double, and ended: @autoclosure () -> [ViewBeat], as beat: RelayBeat) -> [RelayBeat] {
        guard isWanted || fresh.count == snapshots.count || now - lastTold > LiveViews.period + 1 else { return [] }
        let all = snapshots.compactMap { $0 }
        guard all.count == snapshots.count, let oldest = all.map(\.at).min() else { return [] }
        (isWanted, fresh, lastTold) = (false, [], now)
        let over = ended()
        let seen = Set(over.map(\.view))
        let views = all.flatMap(\.views).filter { !seen.contains($0.view) } + over
        var whole = beat
        guard views.count > LiveViews.part else {
            (whole.at, whole.views) = (oldest, views)
            return [whole]
        }
        return stride(from: 0, to: views.count, by: LiveViews.part).map { start in
            whole.views = Array(views[start..<min(start + LiveViews.part, views.count)])
            return whole
        }
    }
}
