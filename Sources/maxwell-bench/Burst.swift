import SessionModel

/// Many starts at the same moment: every outcome, and whether a display was given twice.
struct Burst: Encodable {
    /// A reason why starts failed.
    struct Failure: Encodable {
        let sentence: String
        let status: Int32
        var count: Int
    }

    /// A display that more than one of the sessions has.
    struct Twice: Encodable {
        let host: String
        let display: Int
        let sessions: [String]
    }

    let asked: Int
    /// Of the starts that succeeded.
    let started: Samples
    let failures: [Failure]
    /// From the moment before the first spawn until the last had answered.
    let lastAnswer: Duration
    /// Sessions on each host; those that ``verify()`` found.
    private(set) var placed: [String: Int] = [:]
    private(set) var givenTwice: [Twice] = []
    /// Sessions that were started and are not listed.
    private(set) var unlisted: [String] = []
    private(set) var stopped = Samples("maxwell stop, 8 at once")
    /// From the first stop until the last had answered.
    private(set) var stopping: Duration = .zero
    private(set) var notStopped: [String] = []

    private let gateway: Gateway
    private let sessions: [String]
    /// The moments around all starts.
    let began: ContinuousClock.Instant
    let ended: ContinuousClock.Instant

    /// Spawns `count` starts at once and waits for all their answers. The sessions live until ``stop()``.
    init(of count: Int, by gateway: Gateway) {
        asked = count
        self.gateway = gateway
        began = ContinuousClock.now
        let answers = TimedCommand.all(
            gateway.command, Array(repeating: gateway.startWords, count: count), atMost: count)
        ended = ContinuousClock.now
        lastAnswer = ended - began
        var sessions: [String] = []
        var durations: [Duration] = []
        var failures: [Failure] = []
        for answer in answers {
            if let session = gateway.session(in: answer) {
                sessions.append(session)
                durations.append(answer.duration)
            } else if let known = failures.firstIndex(where: {
                $0.sentence == answer.sentence && $0.status == answer.status
            }) {
                failures[known].count += 1
            } else {
                failures.append(Failure(sentence: answer.sentence, status: answer.status, count: 1))
            }
        }
        self.sessions = sessions
        self.failures = failures
        started = Samples("maxwell start, \(count) at once", durations)
    }

    /// Whether every start succeeded, each on a display of its own, and every session ended.
    var isGood: Bool { failures.isEmpty && givenTwice.isEmpty && unlisted.isEmpty && notStopped.isEmpty }

    /// Looks in the list of sessions where each of them is.
    mutating func verify() throws(Refusal) {
        let listed = try gateway.sessions()
        let ours = Set(sessions)
        var displays: [String: [Int: [String]]] = [:]
        for row in listed where ours.contains("\(row.session)") {
            displays[row.host, default: [:]][row.display, default: []].append("\(row.session)")
        }
        placed = displays.mapValues { $0.values.reduce(0) { $0 + $1.count } }
        let known = Set(displays.values.flatMap { $0.values.joined() })
        unlisted = sessions.filter { !known.contains($0) }
        givenTwice = displays.sorted { $0.key < $1.key }.flatMap { host, numbers in
            numbers.filter { $0.value.count > 1 }.sorted { $0.key < $1.key }
                .map { Twice(host: host, display: $0.key, sessions: $0.value) }
        }
    }

    /// Ends the sessions, eight at a time.
    mutating func stop() {
        let began = ContinuousClock.now
        let answers = TimedCommand.all(gateway.command, sessions.map { ["stop", $0] }, atMost: 8)
        stopping = ContinuousClock.now - began
        stopped = Samples("maxwell stop, 8 at once", answers.filter { $0.status == 0 }.map(\.duration))
        notStopped = zip(sessions, answers).filter { $0.1.status != 0 }.map { "\($0): \($1.sentence)" }
    }

    private enum Key: String, CodingKey {
        case asked, failures, unlisted
        case started = "start"
        case lastAnswer = "last_answer_ms"
        case placed = "sessions_per_host"
        case givenTwice = "displays_given_twice"
        case stopped = "stop"
        case stopping = "all_stopped_ms"
        case notStopped = "not_stopped"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(asked, forKey: .asked)
        try container.encode(started, forKey: .started)
        try container.encode(failures, forKey: .failures)
        try container.encode(lastAnswer.milliseconds.hundredths, forKey: .lastAnswer)
        try container.encode(placed, forKey: .placed)
        try container.encode(givenTwice, forKey: .givenTwice)
        try container.encode(unlisted, forKey: .unlisted)
        try container.encode(stopped, forKey: .stopped)
        try container.encode(stopping.milliseconds.hundredths, forKey: .stopping)
        try container.encode(notStopped, forKey: .notStopped)
    }
}
