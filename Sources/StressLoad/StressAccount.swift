import ControlProtocol
import ControlSocket
import SessionModel
import Stress

/// What the controller keeps of stress users: the ledger of their views, what is left of them, and its removal.
public final class StressAccount {
    /// Rows of the ledger that are asked for at a time: a page is one line of the control socket.
    private static let page = 500

    private let controller: ControllerLine

    /// By the control socket at `path`.
    public init(socket path: String = ControlPath.standard()) {
        // Cleaning takes a minute before it is answered.
        controller = ControllerLine(path, patience: 180)
    }

    /// Throws what the controller says to who may not ask.
    public func look() throws { _ = try ask(.ledger(after: nil, count: 1)) }

    /// All rows of the ledger.
    public func rows() throws -> [LedgerRow] {
        var rows: [LedgerRow] = []
        var last: SessionNumber?
        while true {
            guard case .stressLedger(let views) = try ask(.ledger(after: last, count: Self.page)) else {
                throw Self.foreign
            }
            guard let end = views.last?.session, last.map({ end > $0 }) ?? true else { return rows }
            rows += views.map {
                LedgerRow(session: $0.session.value, user: $0.user, seconds: $0.seconds, viewtime: $0.viewtime)
            }
            last = end
        }
    }

    /// What is left of stress users anywhere.
    public func leftovers() throws -> [StressLeftover] {
        guard case .stressLeftovers(let lines) = try ask(.leftovers) else { throw Self.foreign }
        return lines
    }

    /// Ends their sessions and removes all that is kept of them; how many sessions and rows that were, and what is left all
    /// the same. Asked again while something is left, since one answer waits for a minute at most.
    public func clean(tries: Int = 5) throws -> (sessions: Int, rows: Int, left: [StressLeftover]) {
        var sum = (sessions: 0, rows: 0, left: [StressLeftover]())
        for _ in 0..<tries {
            guard case .stressCleaned(let sessions, let rows) = try ask(.clean) else { throw Self.foreign }
            sum.sessions += sessions
            sum.rows += rows
            sum.left = try leftovers()
            if sum.left.isEmpty { break }
        }
        return sum
    }

    private static let foreign = ControlSocketError.unreadable(what: "an answer to something else")

    private func ask(_ word: StressWord) throws -> ControlReply {
        let reply = try controller.ask(.stress(word))
        if case .refused(let refusal) = reply { throw refusal }
        return reply
    }
}
