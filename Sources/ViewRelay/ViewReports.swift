import ControlProtocol

/// What the controller must be told of views, kept until it answered: openings, and ends. Each is told again after a
/// reconnect, and, when it was refused or not answered, after a pause. Times are monotonic seconds.
struct ViewReports: Sendable {
    /// At most this many ends are kept, the last ones.
    static let limit = 10_000
    /// At most this many wait for their answer at a time, so that a viewer's question never waits behind them all.
    static let window = 64
    /// Seconds in which an answer is awaited.
    static let patience = 15.0
    /// Seconds before a report is told again.
    static let pause = 5.0

    private enum Report: Sendable {
        case opened(ViewOpening)
        case closed(ViewEnd)
    }

    private enum Stage: Sendable {
        case waiting
        /// Told; from then on it is told again.
        case told(again: Double)
        case refused(again: Double)
    }

    private var kept: [UInt64: (report: Report, stage: Stage)] = [:]
    /// The openings among them, by view.
    private var openings: [UInt64: UInt64] = [:]
    /// The ends among them, oldest first, and answered ones.
    private var ends: [UInt64] = []
    /// What may be told now, and what was answered or told meanwhile.
    private var line: [UInt64] = []
    private var underWay = 0
    private var lastReview = 0.0

    /// Whether everything is answered.
    var isEmpty: Bool { kept.isEmpty }

    /// Ended views whose end is not answered yet, as a list of live views has them: until then they are none the
    /// controller may close by itself.
    var unanswered: [ViewBeat] {
        kept.values.compactMap { entry in
            guard case .closed(let end) = entry.report, let began = end.began else { return nil }
            return ViewBeat(view: end.view, began: began, seconds: end.seconds)
        }
    }

    /// Keeps an opening, under a number no other report has.
    mutating func keep(_ opening: ViewOpening, as number: UInt64) {
        openings[opening.view] = number
        kept[number] = (.opened(opening), .waiting)
        line.append(number)
    }

    /// Keeps an end; its view's opening need not be told any more.
    mutating func keep(_ end: ViewEnd, as number: UInt64) {
        if let opening = openings[end.view] { forget(opening) }
        kept[number] = (.closed(end), .waiting)
        line.append(number)
        ends.append(number)
        guard ends.count > ViewReports.limit else { return }
        ends.removeAll { kept[$0] == nil }
        if ends.count > ViewReports.limit { forget(ends.removeFirst()) }
    }

    /// The next to tell at `now`, with its number; nil: none for now.
    mutating func next(at now: Double) -> (number: UInt64, request: ControlRequest)? {
        review(now)
        guard underWay < ViewReports.window else { return nil }
        while !line.isEmpty {
            let number = line.removeFirst()
            guard let entry = kept[number], case .waiting = entry.stage else { continue }
            kept[number]?.stage = .told(again: now + ViewReports.patience + ViewReports.pause)
            underWay += 1
            switch entry.report {
            case .opened(let opening): return (number, .viewOpened(opening))
            case .closed(let end): return (number, .viewClosed(end))
            }
        }
        return nil
    }

    /// The controller answered at `now`, and took the report or refused it; false: `number` is no report's.
    mutating func answered(_ number: UInt64, accepted: Bool, at now: Double) -> Bool {
        guard let entry = kept[number] else { return false }
        if accepted {
            forget(number)
        } else if case .told = entry.stage {
            underWay -= 1
            kept[number]?.stage = .refused(again: now + ViewReports.pause)
        }
        return true
    }

    /// The connection is gone: everything is told again on the next one.
    mutating func disconnected() {
        line = kept.keys.sorted()
        for number in line { kept[number]?.stage = .waiting }
        underWay = 0
    }

    private mutating func review(_ now: Double) {
        guard now - lastReview >= 1 else { return }
        lastReview = now
        for (number, entry) in kept {
            switch entry.stage {
            case .told(let again) where again <= now: underWay -= 1
            case .refused(let again) where again <= now: break
            default: continue
            }
            kept[number]?.stage = .waiting
            line.append(number)
        }
    }

    private mutating func forget(_ number: UInt64) {
        guard let entry = kept.removeValue(forKey: number) else { return }
        if case .told = entry.stage { underWay -= 1 }
        if case .opened(let opening) = entry.report { openings[opening.view] = nil }
    }
}
