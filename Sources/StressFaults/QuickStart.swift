import ChildPrograms
import FoundationEssentials
import Glibc
import SessionModel
import Stress

/// A quick start that runs on this machine: what it remembers in its state folder, and what it can be told.
public struct QuickStart: Sendable {
    /// Its execution hosts.
    public static let hosts = ["exec1", "exec2"]

    /// The state folder, `$MAXWELL_STATE`.
    let state: String
    /// Where its data are, and its sockets.
    let data: String
    let run: String
    /// What its names are made with.
    let hash: String
    /// `deploy/quickstart` of the checkout that started it.
    let command: String
    /// What `MAXWELL_SQL` says: a client of its database, with its options.
    let sqlClient: [String]

    /// The quick start that `environment` (its `env` file, sourced) names; throws where there is none, or none that can
    /// be broken.
    public init(environment: [String: String]) throws(QuickStartError) {
        guard let state = environment["MAXWELL_STATE"], !state.isEmpty,
            let sql = environment["MAXWELL_SQL"]?.split(separator: " ").map(String.init), !sql.isEmpty
        else { throw .notHere }
        func recorded(_ name: String) throws(QuickStartError) -> String {
            guard let line = fileText("\(state)/record/\(name)")?.split(separator: "\n").first else { throw .notHere }
            return String(line)
        }
        self.state = state
        data = try recorded("data")
        run = try recorded("run")
        hash = try recorded("hash")
        command = try recorded("checkout") + "/deploy/quickstart"
        sqlClient = sql
        guard access("\(state)/record/complete", F_OK) == 0, access(command, X_OK) == 0 else { throw .notHere }
        if let socket = environment["MAXWELL_SOCKET"], socket != "\(run)/c/control.sock" { throw .otherGateway }
        guard try recorded("isolation") == "container" else { throw .hostsArePlain }
        guard geteuid() == 0 else { throw .notRoot }
    }

    /// The process that is recorded under `name`, if that very one lives.
    func process(_ name: String) -> (id: pid_t, began: UInt64)? {
        guard let words = fileText("\(state)/record/process/\(name)")?.split(whereSeparator: \.isWhitespace),
            words.count == 2, let id = pid_t(words[0]), let began = UInt64(words[1]),
            ProcessTable.beginning(of: id) == began
        else { return nil }
        return (id, began)
    }

    /// Tells `deploy/quickstart` something; it waits itself until that is so.
    func tell(_ words: String..., within seconds: Double = 90) throws(QuickStartError) {
        let answer = ChildProgram.run([command] + words, within: seconds)
        guard answer.status == 0 else {
            throw .refused("quickstart \(words.joined(separator: " "))", said: answer.output)
        }
    }

    /// Asks the gateway, as an administrator does.
    @discardableResult
    func ask(_ words: String...) throws(QuickStartError) -> String {
        let answer = ChildProgram.run(
            ["env", "MAXWELL_SOCKET=\(run)/c/control.sock", "\(data)/bin/maxwell"] + words, within: 30)
        guard answer.status == 0 else {
            throw .refused("maxwell \(words.joined(separator: " "))", said: answer.output)
        }
        return answer.output
    }

    /// The rows of a statement, split at tabs.
    func sql(_ statement: String) throws(QuickStartError) -> [[String]] {
        let answer = ChildProgram.run(sqlClient + ["-N", "-e", statement], within: 30)
        guard answer.status == 0 else { throw .refused("a look at the tables", said: answer.output) }
        return answer.output.split(separator: "\n").map {
            $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        }
    }

    /// The hosts on which sessions can be started now; empty while the controller does not answer, or its database.
    public func wellHosts() -> Set<String> {
        struct Line: Decodable {
            var host: String
            var status: String
            var connected: Bool
        }
        do {
            let lines = try JSONDecoder().decode([Line].self, from: Data(try ask("hosts", "--json").utf8))
            _ = try sql("SELECT 1")
            return Set(lines.filter { $0.connected && $0.status == "up" }.map(\.host))
        } catch {
            return []
        }
    }

    /// Whether all is as it should be after `damage`: the daemons live, the relay answers at its port, those hosts take
    /// sessions, and a host whose agent was killed has another one, and sessions that ended with it are out of the portal's
    /// sight. Nil: nobody knows what is broken.
    func isWell(_ hosts: Set<String>, after damage: Damage?) -> Bool {
        ["maxwelld", "maxwell-web", "maxwell-relay", "mariadb"].allSatisfy { process($0) != nil }
            && relayAnswers
            && (damage?.fault != .killAgent || processes().contains { $0.part == .agent && $0.host == damage?.host })
            && hosts.isSubset(of: wellHosts()) && haveEnded(damage?.sessions ?? [])
    }

    /// Whether the relay tells who comes in clear where to go instead.
    private var relayAnswers: Bool {
        guard let line = fileText("\(state)/record/port")?.split(separator: "\n").first, let port = UInt16(line) else {
            return false
        }
        let question =
            "exec 3<>/dev/tcp/127.0.0.1/\(port) && printf 'GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' >&3 && head -c 5 <&3"
        return ChildProgram.run(["bash", "-c", question], within: 5).output == "HTTP/"
    }

    private func haveEnded(_ sessions: Set<UInt64>) -> Bool {
        guard !sessions.isEmpty else { return true }
        let numbers = sessions.map { "\($0)" }.joined(separator: ", ")
        return (try? sql("SELECT COUNT(*) FROM session WHERE sessnum IN (\(numbers))")) == [["0"]]
    }
}

// MARK: After a run

extension QuickStart {
    /// The number of the last session there has been.
    func lastSession() throws(QuickStartError) -> UInt64 {
        try sql("SELECT COALESCE(MAX(sessnum), 0) FROM mw_session").first?.first.flatMap { UInt64($0) } ?? 0
    }

    /// The stress sessions after `first` that ended, or are ending, although nobody stopped them and no fault `hit` them; to
    /// be asked before the run's rows are deleted. One that was ended for want of viewers is among them.
    func wronglyEnded(after first: UInt64, hit: Set<UInt64>) throws(QuickStartError) -> [Observation.Failure] {
        Self.wronglyEnded(
            try sql(
                """
                SELECT sessnum, reason FROM mw_session
                WHERE sessnum > \(first) AND owner LIKE 'stress-%' AND state IN ('ending', 'ended')
                """), hit: hit)
    }

    /// Those of `rows`, of a number and a reason each, that should not be.
    static func wronglyEnded(_ rows: [[String]], hit: Set<UInt64>) -> [Observation.Failure] {
        // A start that a fault interrupted was answered with a failure, and counted as one.
        let orders = [EndReason.stopped, .stoppedWithNotice, .startFailed, .startInterrupted].map(\.text)
        return rows.compactMap { row in
            guard row.count == 2, let number = UInt64(row[0]), !hit.contains(number), !orders.contains(row[1]) else {
                return nil
            }
            return .init("session: ended wrongly", "session \(number): \(row[1])")
        }
    }
}
