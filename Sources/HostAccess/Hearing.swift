import FoundationEssentials
import HostProtocol
import SessionModel

/// What is taken in of a host's lines. A host may be in a stranger's hands: it greets once and first, it tells no more
/// unasked than its displays have to tell, and its texts and numbers are bounded before anybody uses them.
struct Hearing {
    /// What no agent does: the channel is taken down.
    struct Breach: Error, Equatable {
        /// For the operator's log.
        let cause: String
    }

    /// Bytes of a line at most; 10,000 displays have room in it.
    static let longestLine = 2 << 20
    /// Lines that nobody asked for, at once: more than a host has displays that could all die in the same moment.
    static let burst = 5000.0
    /// Lines that nobody asked for, a second.
    static let rate = 20.0

    private var greeted = false
    private var allowance = Self.burst
    private var counted: ContinuousClock.Instant

    /// Nothing was heard yet.
    init(at now: ContinuousClock.Instant) { counted = now }

    /// The channel begins anew. What the host told too much of before still counts.
    mutating func restart() { greeted = false }

    /// Takes a line in; nil when it means nothing here: a word of another release, an answer that came too late.
    ///
    /// - Parameter isOwed: whether the host was asked that, and has not answered.
    mutating func take(
        _ line: String, at now: ContinuousClock.Instant, isOwed: (UInt64) -> Bool
    ) throws(Breach) -> HostMessage? {
        guard let message = try? JSONDecoder().decode(HostMessage.self, from: Data(line.utf8)) else {
            try count(at: now)
            return nil
        }
        switch message {
        case .hello:
            guard !greeted else { throw Breach(cause: "it said hello twice") }
            greeted = true
        case .reply(let id, _):
            guard isOwed(id) else {
                try count(at: now)
                return nil
            }
        case .applicationExited, .displayDied, .load:
            guard greeted else { throw Breach(cause: "it told something before it said hello") }
            try count(at: now)
        }
        return message.bounded
    }

    private mutating func count(at now: ContinuousClock.Instant) throws(Breach) {
        allowance = min(Self.burst, allowance + (now - counted) / .seconds(1) * Self.rate)
        counted = now
        guard allowance >= 1 else { throw Breach(cause: "it tells more than its displays can have to tell") }
        allowance -= 1
    }
}
