import CLinux
import ControlProtocol
import ControlSocket
import Glibc
import RelayProtocol
import SessionModel
import Synchronization

/// The relay's side of the control socket, on two threads of its own: loops hand in what to ask and never wait.
/// It reconnects when the controller restarts, and asks and tells again what was not answered.
final class ControllerLink: Sendable {
    private struct Question: Sendable {
        let loop: Mailbox
        let connection: UInt64
        let request: ControlRequest
        /// Monotonic seconds after which nobody waits for the answer.
        let deadline: Double
    }

    private struct State: Sendable {
        var unsent: [Question] = []
        var asked: [UInt64: Question] = [:]
        var reports = ViewReports()
        var review = RightsReview()
        var live: LiveViews
        var isLeaving = false
        var figures: [String: UInt64] = [:]
        var lastID: UInt64 = 0
        var connection: ControlConnection?
        /// Monotonic seconds before which no connection is tried.
        var earliest = 0.0

        mutating func nextID() -> UInt64 {
            lastID += 1
            return lastID
        }
    }

    /// Nil: there is no controller, and nothing is kept for one.
    private let path: String?
    private let loops: [Mailbox]
    private let identity: RelayIdentity
    /// The lives before this one that handed it the doors.
    let predecessors: [String]
    private let state: Mutex<State>
    private let wake: Int32

    init(path: String?, loops: [Mailbox], identity: RelayIdentity, predecessors: [String]) {
        self.path = path
        self.loops = loops
        self.identity = identity
        self.predecessors = predecessors
        state = Mutex(State(live: LiveViews(loops: loops.count)))
        wake = clinux_waker()
    }

    /// ``RelayBeat/instance``, for whoever asks something.
    var instance: String { identity.instance }

    /// Asks where a token leads; the answer is posted to `loop` as `connection`'s.
    func resolve(_ order: ResolveOrder, for connection: UInt64, on loop: Mailbox, patience: Double) {
        ask(.resolve(order), for: connection, on: loop, patience: patience)
    }

    /// Asks whether a person may enter, and where to; the answer comes as that of ``resolve(_:for:on:patience:)``.
    func enter(_ order: EnterOrder, for connection: UInt64, on loop: Mailbox, patience: Double) {
        ask(.enter(order), for: connection, on: loop, patience: patience)
    }

    private func ask(_ request: ControlRequest, for connection: UInt64, on loop: Mailbox, patience: Double) {
        let question = Question(
            loop: loop, connection: connection, request: request, deadline: monotonicSeconds() + patience)
        state.withLock { $0.unsent.append(question) }
        _ = clinux_wake(wake)
    }

    /// Reports that a viewer began to see its display.
    func opened(_ opening: ViewOpening) {
        guard path != nil else { return }
        state.withLock { state in
            state.review.opened(opening.view)
            state.reports.keep(opening, as: state.nextID())
        }
        _ = clinux_wake(wake)
    }

    /// Reports a view's end.
    func ended(_ end: ViewEnd) {
        guard path != nil else { return }
        state.withLock { state in
            state.review.ended(end.view)
            state.reports.keep(end, as: state.nextID())
        }
        _ = clinux_wake(wake)
    }

    /// A loop's live views, all of them, as they were at `at`.
    func live(_ views: [ViewBeat], of loop: Int, at: Double) {
        guard path != nil else { return }
        state.withLock { $0.live.handIn(views, of: loop, at: at) }
        _ = clinux_wake(wake)
    }

    /// What the next beats tell of figures.
    func tell(_ figures: [String: UInt64]) { state.withLock { $0.figures = figures } }

    /// The figures as they were told last.
    var figures: [String: UInt64] { state.withLock(\.figures) }

    /// From now on the beats say that a successor takes the viewers; the next one goes out at once.
    func leave() {
        state.withLock { state in
            state.isLeaving = true
            state.live.connected()
        }
        _ = clinux_wake(wake)
    }

    func start() throws(ThreadError) {
        guard path != nil else { return }
        try detachThread { self.run() }
    }

    /// Returns once everything reported is answered, or `seconds` have passed.
    func finish(within seconds: Double) {
        let deadline = monotonicSeconds() + seconds
        _ = clinux_wake(wake)
        while monotonicSeconds() < deadline, state.withLock({ !$0.reports.isEmpty }) { usleep(5_000) }
    }

    private func run() {
        while true {
            wait(milliseconds: 250)
            expire()
            guard let connection = connected() else { continue }
            if !sendAll(connection) { lose(connection) }
        }
    }

    private func wait(milliseconds: Int32) {
        var poll = pollfd(fd: wake, events: Int16(POLLIN), revents: 0)
        _ = Glibc.poll(&poll, 1, milliseconds)
        _ = clinux_calm(wake)
    }

    private func connected() -> ControlConnection? {
        let now = monotonicSeconds()
        let (known, earliest) = state.withLock { ($0.connection, $0.earliest) }
        if let known { return known }
        guard now >= earliest else { return nil }
        state.withLock { $0.earliest = now + 0.2 }
        guard let path, let connection = try? ControlConnection(path: path) else { return nil }
        state.withLock { state in
            state.connection = connection
            state.live.connected()
        }
        do throws(ThreadError) {
            try detachThread { self.receive(connection) }
        } catch {
            lose(connection)
            return nil
        }
        return connection
    }

    private func lose(_ connection: ControlConnection) {
        connection.close()
        state.withLock { state in
            guard state.connection === connection else { return }
            state.connection = nil
            state.unsent = Array(state.asked.values) + state.unsent
            state.asked = [:]
            state.reports.disconnected()
            state.review.disconnected()
        }
    }

    private func expire() {
        let now = monotonicSeconds()
        state.withLock { state in
            state.unsent.removeAll { $0.deadline < now }
            // An answer may still come, and its lease is given back then: kept for a minute.
            state.asked = state.asked.filter { $0.value.deadline + 60 > now }
        }
    }

    private func sendAll(_ connection: ControlConnection) -> Bool {
        while let (question, id) = nextQuestion(connection) {
            guard sent(question.request, id, connection) else { return false }
        }
        for (beat, id) in dueBeats(connection) {
            guard sent(.viewBeats(beat), id, connection) else { return false }
        }
        if let id = nextReview(connection) {
            guard sent(.withdrawn(relay: identity.instance), id, connection) else { return false }
        }
        while let (id, report) = nextReport(connection) {
            guard sent(report, id, connection) else { return false }
        }
        return true
    }

    // The receiving thread may lose the connection meanwhile: what is taken for it afterwards would be nobody's.

    private func nextQuestion(_ connection: ControlConnection) -> (Question, UInt64)? {
        state.withLock { state in
            guard state.connection === connection, !state.unsent.isEmpty else { return nil }
            let question = state.unsent.removeFirst()
            let id = state.nextID()
            state.asked[id] = question
            return (question, id)
        }
    }

    private func dueBeats(_ connection: ControlConnection) -> [(RelayBeat, UInt64)] {
        state.withLock { state in
            guard state.connection === connection else { return [] }
            let reports = state.reports
            let beat = RelayBeat(
                name: identity.name, instance: identity.instance, at: nil, views: [], isLeaving: state.isLeaving,
                predecessors: predecessors, figures: state.figures)
            let beats = state.live.due(at: monotonicSeconds(), and: reports.unanswered, as: beat)
            return beats.map { ($0, state.nextID()) }
        }
    }

    private func nextReview(_ connection: ControlConnection) -> UInt64? {
        state.withLock { state in
            guard state.connection === connection else { return nil }
            let id = state.lastID + 1
            guard state.review.asks(at: monotonicSeconds(), as: id) else { return nil }
            state.lastID = id
            return id
        }
    }

    private func nextReport(_ connection: ControlConnection) -> (UInt64, ControlRequest)? {
        state.withLock { state in
            state.connection === connection ? state.reports.next(at: monotonicSeconds()) : nil
        }
    }

    private func sent(_ request: ControlRequest, _ id: UInt64, _ connection: ControlConnection) -> Bool {
        do {
            try connection.send(request, id: id)
            return true
        } catch {
            return false
        }
    }

    private func receive(_ connection: ControlConnection) {
        while let frame = try? connection.receive() {
            state.withLock { $0.review.answered(frame.id) }
            if case .beats(let cut) = frame.body {
                if !cut.isEmpty { for loop in loops { loop.post(.cut(cut)) } }
                continue
            }
            let isDone = if case .done = frame.body { true } else { false }
            let wasReport = state.withLock {
                $0.reports.answered(frame.id, accepted: isDone, at: monotonicSeconds())
            }
            if wasReport {
                _ = clinux_wake(wake)
                continue
            }
            guard let question = state.withLock({ $0.asked.removeValue(forKey: frame.id) }) else { continue }
            question.loop.post(.resolved(connection: question.connection, frame.body))
        }
        lose(connection)
        _ = clinux_wake(wake)
    }
}
