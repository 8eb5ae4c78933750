import Foundation
import StressFaults
import Testing

/// Ending parts of the gateway as a crash ends them, and what has to be right of it afterwards.
extension Gateway {
    /// What decides the faults of a run: $MAXWELL_TEST_SEED, to have one again that was printed.
    static var seed: UInt64 {
        ProcessInfo.processInfo.environment["MAXWELL_TEST_SEED"].flatMap { UInt64($0) } ?? .random(in: 1...999_999)
    }

    /// What runs on the execution hosts, each with the part that it is.
    static func hostParts() throws -> [QuickStart.HostProcess] { try quickStart.processes() }

    /// Ends a daemon of the quick start as a crash does, and starts it again.
    static func crash(_ daemon: String) throws {
        kill(try process(daemon), SIGKILL)
        try quickstart("--restart", daemon)
    }

    /// A word of the command's, which has to answer within a time.
    static func word(_ words: [String], within seconds: Int = 60) throws -> Answer {
        let answer = try run(["timeout", "--signal=KILL", "\(seconds)", "maxwell"] + words)
        // timeout(1) tells so that it had to end the command.
        guard answer.status != 137 else { throw Missing(description: "\(words) did not answer in \(seconds) s") }
        return answer
    }

    /// The number that a start told, or nil where it was refused with one sentence; anything else is an error.
    static func attempt(user: String = "alice", app: String = "xterm") throws -> String? {
        let answer = try word(["start", "user=\(user)", "ip=127.0.0.1", "app=\(app)", "version=1"])
        let words = answer.output.split(whereSeparator: \.isWhitespace)
        if answer.status == 0, words.count == 3, answer.output.hasPrefix("Session is ") { return String(words[2]) }
        try requireRefusal(answer)
        return nil
    }

    /// A word may be refused at a bad moment, with one sentence and a status that tells so.
    static func requireRefusal(_ answer: Answer) throws {
        let lines = answer.output.split(separator: "\n")
        // What an administrator can look for in the log may follow it.
        let sentence = lines.first.map { $0.components(separatedBy: " (error ")[0] } ?? ""
        guard answer.status != 0, lines.count == 1, sentence.hasSuffix(".") else {
            throw Missing(description: "status \(answer.status), and no sentence: \(answer.output)")
        }
    }

    /// The number of the last session there has been.
    static func lastSession() throws -> Int {
        Int(try sql("SELECT COALESCE(MAX(sessnum), 0) FROM mw_session").joined()) ?? 0
    }

    /// The duties of controllers that are gone are free, as they are after 20 seconds.
    static func freeDuties() throws { _ = try sql("UPDATE mw_duty SET holder = ''") }

    /// What a crash leaves to be found after minutes is as old as that: starts that nobody goes on with, claims that nobody
    /// fills, duties of controllers that are gone.
    static func letTimePass() throws {
        _ = try sql("UPDATE mw_session SET started = started - INTERVAL 10 MINUTE WHERE state = 'starting'")
        _ = try sql("UPDATE session SET start = start - INTERVAL 10 MINUTE")
        _ = try sql(
            "UPDATE mw_display SET created = created - INTERVAL 10 MINUTE, since = since - INTERVAL 10 MINUTE WHERE state <> 'ready' AND sessnum IS NULL OR sessnum IN (SELECT sessnum FROM mw_session WHERE state = 'starting')"
        )
        _ = try sql("UPDATE mw_view SET reserved = reserved - INTERVAL 11 MINUTE WHERE opened IS NULL")
        try freeDuties()
    }

    /// What is not right in the records of the sessions after `first`, whatever became of them: each ended or failed, and
    /// each that ended after it had come to run has one account.
    static func wrongAccounts(after first: Int) throws -> [String] {
        try sql(
            """
            SELECT CONCAT(m.sessnum, ' is ', m.state, ', ', m.reason, ': ',
              (SELECT COUNT(*) FROM sessionlog l WHERE l.sessnum = m.sessnum), ' sessionlog, ',
              (SELECT COUNT(*) FROM joblog j WHERE j.sessnum = m.sessnum AND j.job = 0), ' joblog, walltime ',
              COALESCE(m.walltime, -1), ', viewtime ', COALESCE(m.viewtime, -1), ', viewlog ',
              (SELECT COALESCE(SUM(v.duration), 0) FROM viewlog v WHERE v.sessnum = m.sessnum))
            FROM mw_session m WHERE m.sessnum > \(first) AND NOT (
              m.state = 'failed' AND m.running IS NULL
              AND NOT EXISTS (SELECT 1 FROM sessionlog l WHERE l.sessnum = m.sessnum)
              AND NOT EXISTS (SELECT 1 FROM joblog j WHERE j.sessnum = m.sessnum)
              OR m.state = 'ended'
              AND 1 = (SELECT COUNT(*) FROM sessionlog l WHERE l.sessnum = m.sessnum AND l.viewtime <= l.walltime
                AND l.viewtime <= 0.01 + (SELECT COALESCE(SUM(v.duration), 0) FROM viewlog v WHERE v.sessnum = m.sessnum))
              AND 1 = (SELECT COUNT(*) FROM joblog j WHERE j.sessnum = m.sessnum AND j.job = 0)
              AND COALESCE((SELECT SUM(w.views) FROM mw_viewing w WHERE w.sessnum = m.sessnum), 0)
                = (SELECT COUNT(*) FROM viewlog v WHERE v.sessnum = m.sessnum))
            """)
    }

    /// Rows that sessions which have ended left where none may stay, and claims that nothing has.
    static func leftRows() throws -> [String] {
        let perSession = ["viewperm", "view", "fileperm", "job", "mw_view", "mw_ticket", "mw_display"]
        let orphans = try perSession.flatMap { table in
            try sql(
                """
                SELECT CONCAT('\(table) of ', t.sessnum) FROM \(table) t
                WHERE t.sessnum IS NOT NULL AND t.sessnum NOT IN (SELECT sessnum FROM session)
                """)
        }
        let unfinished = try sql(
            "SELECT CONCAT(sessnum, ' is ', state) FROM mw_session WHERE state IN ('starting', 'ending')")
        let uses = try sql(
            """
            SELECT CONCAT(h.hostname, ' has ', h.uses, ' uses') FROM host h
            WHERE h.uses <> (SELECT COUNT(*) FROM mw_display d WHERE d.hostname = h.hostname AND d.counted = 1)
            """)
        return orphans + unfinished + uses
    }

    /// The hosts' displays that are there without a row, and rows without a display: by cgroups, keepers, servers, and
    /// folders of their sockets. What is being made or taken away is left out.
    static func disagreements() throws -> [String] {
        let rows = try sql("SELECT CONCAT(hostname, ':', dispnum) FROM mw_display")
        let standing = Set(
            try sql("SELECT CONCAT(hostname, ':', dispnum) FROM mw_display WHERE state IN ('ready', 'used')"))
        let parts = try hostParts().filter { $0.display != nil }
        let known = Set(rows)
        var wrong: [String] = []
        for part in [QuickStart.HostProcess.Part.server, .keeper] {
            let found = Set(parts.filter { $0.part == part }.map { "\($0.host):\($0.display ?? 0)" })
            wrong += found.subtracting(known).map { "\(part.rawValue) of \($0), which no row knows" }
            wrong += standing.subtracting(found).map { "no \(part.rawValue) of \($0)" }
        }
        wrong += try displayGroups().subtracting(known).map { "cgroup of \($0), which no row knows" }
        return wrong.sorted()
    }

    /// The displays that have a cgroup.
    private static func displayGroups() throws -> Set<String> {
        let found = try run([
            "find", "/sys/fs/cgroup", "-path", "*/mwq-\(try recorded("hash"))/*/display-*", "-type", "d",
        ])
        return Set(
            found.output.split(separator: "\n").compactMap { path -> String? in
                let parts = path.split(separator: "/")
                guard let host = parts.first(where: { $0 == "exec1" || $0 == "exec2" }),
                    let group = parts.last(where: { $0.hasPrefix("display-") })
                else { return nil }
                return "\(host):\(group.dropFirst("display-".count).prefix(while: \.isNumber))"
            })
    }
}
