/// The moment by which an exchange must be over.
struct Deadline {
    private let end: ContinuousClock.Instant

    /// A deadline `patience` from now.
    init(after patience: Duration) { end = ContinuousClock.now + patience }

    /// What is left for poll(2), rounded up, so that a call never spins in the last millisecond; 0 when it has passed.
    var milliseconds: Int32 {
        let left = (end - ContinuousClock.now).components
        guard left.seconds >= 0, left.attoseconds >= 0 else { return 0 }
        let rounded = min(left.seconds, 86_400) * 1000 + left.attoseconds / 1_000_000_000_000_000 + 1
        return Int32(clamping: rounded)
    }

    var passed: Bool { end <= ContinuousClock.now }
}
