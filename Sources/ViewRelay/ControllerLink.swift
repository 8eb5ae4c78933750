import CLinux
import ControlProtocol
import ControlSocket
import Glibc
import SessionModel
import Synchronization

/// The relay's side of the control socket, on two threads of its own: loops hand in what to ask and never wait.
/// It reconnects when the controller restarts, and asks again what was not answered.
final class ControllerLink: Sendable {
    private struct Question: Sendable {
        let loop: Mailbox
        let connection: UInt64
        let order: ResolveOrder
        /// Monotonic seconds after which nobody waits for the answer.
        let deadline: Double
    }

    private struct State: Sendable {
        var unsent: [Question] = []
        var asked: [UInt64: Question] = [:]
        var ends: [ViewEnd] = []
        var beats: [ViewBeat] = []
        var lastID: UInt64 = 0
        var connection: ControlConnection?
    }

    private let path: String
    private let loops: [Mailbox]
    private let state = Mutex(State())
    private let wake: Int32

    init(path: String, loops: [Mailbox]) {
        self.path = path
        self.loops = loops
        wake = clinux_waker()
    }

    /// Asks where a token leads; the answer is posted to `loop` as `connection`'s.
    func resolve(_ order: ResolveOrder, for connection: UInt64, on loop: Mailbox, patience: Double) {
        let question = Question(
            loop: loop, connection: connection, order: order, deadline: monotonicSeconds() + patience)
        state.withLock { $0.unsent.append(question) }
        _ = clinux_wake(wake)
    }

    /// Reports a view's end; kept until the controller can be told, the last 10,000.
    func ended(_ end: ViewEnd) {
        state.withLock { state in
            state.ends.append(end)
            if state.ends.count > 10_000 { state.ends.removeFirst() }
        }
        _ = clinux_wake(wake)
    }

    /// Tells a loop's live views.
    func beat(_ beats: [ViewBeat]) {
        state.withLock { $0.beats += beats }
        _ = clinux_wake(wake)
    }

    func start() throws(ThreadError) { try detachThread { self.run() } }

    /// Returns once every view's end is told, or `seconds` have passed.
    func finish(within seconds: Double) {
        let deadline = monotonicSeconds() + seconds
        _ = clinux_wake(wake)
        while monotonicSeconds() < deadline, state.withLock({ !$0.ends.isEmpty }) { usleep(5_000) }
    }

    private func run() {
        while true {
            wait(milliseconds: 250)
            expire()
            guard let connection = connected() else {
                // The next beats say it again.
                state.withLock { $0.beats = [] }
                continue
            }
            if !sendAll(connection) { lose(connection) }
        }
    }

    private func wait(milliseconds: Int32) {
        var poll = pollfd(fd: wake, events: Int16(POLLIN), revents: 0)
        _ = Glibc.poll(&poll, 1, milliseconds)
        _ = clinux_calm(wake)
    }

    private func connected() -> ControlConnection? {
        if let connection = state.withLock({ $0.connection }) { return connection }
        guard let connection = try? ControlConnection(path: path) else { return nil }
        state.withLock { $0.connection = connection }
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
        while let (question, id) = nextQuestion() {
            guard sent(.resolve(question.order), id, connection) else { return false }
        }
        while let end = state.withLock({ $0.ends.first }) {
            guard sent(.viewClosed(end), nextID(), connection) else { return false }
            state.withLock { _ = $0.ends.removeFirst() }
        }
        let beats = state.withLock { state in
            defer { state.beats = [] }
            return state.beats
        }
        // A line has at most 512 KiB: a beat takes about 40 bytes.
        for start in stride(from: 0, to: beats.count, by: 8_000) {
            let batch = Array(beats[start..<min(start + 8_000, beats.count)])
            guard sent(.viewBeats(RelayBeat(name: "", instance: "", at: nil, views: batch)), nextID(), connection) else { return false }
        }
        return true
    }

    private func nextQuestion() -> (Question, UInt64)? {
        state.withLock { state in
            guard !state.unsent.isEmpty else { return nil }
            let question = state.unsent.removeFirst()
            state.lastID += 1
            state.asked[state.lastID] = question
            return (question, state.lastID)
        }
    }

    private func nextID() -> UInt64 {
        state.withLock { state in
            state.lastID += 1
            return state.lastID
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
            if case .beats(let cut) = frame.body {
                if !cut.isEmpty { for loop in loops { loop.post(.cut(cut)) } }
                continue
            }
            guard let question = state.withLock({ $0.asked.removeValue(forKey: frame.id) }) else { continue }
            question.loop.post(.resolved(connection: question.connection, frame.body))
        }
        lose(connection)
        _ = clinux_wake(wake)
    }
}
