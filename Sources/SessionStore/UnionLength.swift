/// How long at least one of the intervals lasted, each given by its start and its length.
func unionLength(_ intervals: [(start: Double, length: Double)]) -> Double {
    var total = 0.0
    var covered = -Double.infinity
    for interval in intervals.sorted(by: { $0.start < $1.start }) {
        let end = interval.start + max(0, interval.length)
        if end > covered {
            total += end - max(covered, interval.start)
            covered = end
        }
    }
    return total
}
