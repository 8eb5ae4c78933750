import Glibc
import SessionModel

/// How soon a host has as many ready displays again as before a burst took them.
struct Refill: Encodable {
    let host: String
    /// Ready displays of both kinds before the burst, when its last start had answered, and at the end of the watch.
    let before: Int
    let left: Int
    let after: Int
    /// From the burst's last answer until the end of the watch.
    let seconds: Double
    /// Displays made in a second since the burst began: those that sessions took, and what the ready ones grew by.
    let rate: Double
    /// The same from the last answer on; nil when none was missing by then.
    let rateAfterwards: Double?

    /// Whether the host came back to what it had.
    var complete: Bool { after >= before }

    private init(
        _ host: String, before: Int, left: Int, after: Int, at moment: ContinuousClock.Instant, since burst: Burst
    ) {
        self.host = host
        self.before = before
        self.left = left
        self.after = after
        seconds = (moment - burst.ended).seconds.hundredths
        let made = burst.placed[host, default: 0] + after - before
        rate = (Double(made) / (moment - burst.began).seconds).hundredths
        rateAfterwards = left < before ? (Double(after - left) / (moment - burst.ended).seconds).hundredths : nil
    }

    /// Asks the gateway every tenth of a second until each host is back at its number in `before`, for at most
    /// `patience`; a host's watch ends when it is.
    static func watch(
        _ gateway: Gateway, since burst: Burst, before: [String: Int], patience: Duration = .seconds(120)
    ) throws(Refusal) -> [Refill] {
        let left = try ready(gateway)
        var now = left
        var watched: [String: Refill] = [:]
        while true {
            let moment = ContinuousClock.now
            for (host, number) in before where watched[host]?.complete != true {
                watched[host] = Refill(
                    host, before: number, left: left[host, default: 0], after: now[host, default: 0], at: moment,
                    since: burst)
            }
            guard watched.values.contains(where: { !$0.complete }), moment - burst.ended < patience else { break }
            usleep(100_000)
            now = try ready(gateway)
        }
        return watched.values.sorted { $0.host < $1.host }
    }

    /// The ready displays of each host, of both kinds.
    static func ready(_ gateway: Gateway) throws(Refusal) -> [String: Int] {
        Dictionary(try gateway.hosts().map { ($0.host, $0.ready + $0.readyGL) }, uniquingKeysWith: +)
    }

    private enum Key: String, CodingKey {
        case host, complete, seconds
        case before = "ready_before"
        case left = "ready_at_last_answer"
        case after = "ready_after"
        case rate = "made_per_second"
        case rateAfterwards = "made_per_second_afterwards"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(host, forKey: .host)
        try container.encode(complete, forKey: .complete)
        try container.encode(seconds, forKey: .seconds)
        try container.encode(before, forKey: .before)
        try container.encode(left, forKey: .left)
        try container.encode(after, forKey: .after)
        try container.encode(rate, forKey: .rate)
        try container.encodeIfPresent(rateAfterwards, forKey: .rateAfterwards)
    }
}
