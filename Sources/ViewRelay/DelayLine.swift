/// Connections that all wait for the same span of time: who came first is due first. Times are monotonic seconds.
struct DelayLine {
    /// Seconds each one waits.
    let delay: Double
    private var waiting: [(serial: UInt64, due: Double)] = []
    private var first = 0

    /// A line in which each one waits `delay` seconds.
    init(delay: Double) { self.delay = delay }

    /// How many are in line.
    var count: Int { waiting.count - first }

    /// `serial` waits from `now` on, which never goes back.
    mutating func add(_ serial: UInt64, at now: Double) { waiting.append((serial, now + delay)) }

    /// When the first one is due whom `isWanted` still names; those before it leave the line. Nil: nobody waits.
    mutating func next(_ isWanted: (UInt64) -> Bool) -> Double? {
        while first < waiting.count, !isWanted(waiting[first].serial) { leave() }
        return first < waiting.count ? waiting[first].due : nil
    }

    /// Takes the first one from the line if it is due at `now`.
    mutating func take(at now: Double) -> UInt64? {
        guard first < waiting.count, waiting[first].due <= now else { return nil }
        defer { leave() }
        return waiting[first].serial
    }

    private mutating func leave() {
        first += 1
        guard first == waiting.count || first >= 1024 else { return }
        waiting.removeFirst(first)
        first = 0
    }
}
