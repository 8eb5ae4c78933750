import Foundation
import SessionModel
import StressFaults
import Synchronization
import Testing
import ViewClient

/// Many short sessions with faults among them.
extension EndToEnd {
    @Test("a churn of short sessions with faults by a seed leaves nothing, and an exact ledger")
    func churn() throws {
        let seed = Gateway.seed
        try Gateway.awaitReady()
        let before = try Traces()
        let first = try Gateway.lastSession()
        let ledger = ViewLines(try LogMark("maxwell-relay"), try LogMark("maxwelld"))
        let churn = Churn(sessions: Gateway.isLong ? 2000 : 120, after: first, seed: seed)
        print("churn of \(churn.sessions) sessions, seed \(seed)")
        defer { print(churn.summary) }
        // What its application does ends it, at some time.
        try Gateway.withApplication("brief", "", command: "exec xterm -e sleep $((RANDOM % 3 + 1))") {
            churn.run()
        }
        for problem in churn.problems { Issue.record("\(problem) (seed \(seed))") }
        try Gateway.awaitHosts()
        for number in try Gateway.sql("SELECT sessnum FROM session WHERE sessnum > \(first)") {
            _ = try Gateway.word(["stop", number])
        }
        try Gateway.letTimePass()
        do {
            try expectRight(after: first, before, within: .seconds(180))
        } catch {
            Issue.record(error, "seed \(seed)")
        }
        let reported = churn.started
        let ended = Set(
            try Gateway.sql("SELECT sessnum FROM mw_session WHERE sessnum > \(first) AND state = 'ended'"))
        #expect(reported.subtracting(ended).isEmpty, "sessions that start told of, and that did not end as such")
        for wrong in try ledger.wrong(after: first, relayKills: churn.relayKills) {
            Issue.record("\(wrong) (seed \(seed))")
        }
    }
}

/// Sessions, several at once, and faults, until there were enough.
private final class Churn: Sendable {
    /// What happens to the gateway meanwhile.
    private enum Fault: String, CaseIterable {
        case controller, relay, agent, keeper, server, application, cable
    }

    private struct Tally {
        var begun = 0
        var started: Set<String> = []
        var refusals = 0
        var views = 0
        var viewRefusals = 0
        var ends: [String: Int] = [:]
        var faults: [Fault: Int] = [:]
        var relayKills: [Double] = []
        var problems: [String] = []
        var seconds = 0.0
    }

    let sessions: Int
    /// The last session there was before: faults spare it and those before it.
    private let first: Int
    private let seed: UInt64
    private let tally = Mutex(Tally())
    private static let atOnce = 8

    init(sessions: Int, after first: Int, seed: UInt64) {
        self.sessions = sessions
        self.first = first
        self.seed = seed
    }

    var problems: [String] { tally.withLock { $0.problems } }
    var started: Set<String> { tally.withLock { $0.started } }
    var relayKills: [Double] { tally.withLock { $0.relayKills } }

    /// What happened, in numbers.
    var summary: String {
        tally.withLock { tally in
            let ends = tally.ends.sorted { $0.key < $1.key }.map { "\($0.value) by \($0.key)" }.joined(separator: ", ")
            let faults = tally.faults.sorted { $0.key.rawValue < $1.key.rawValue }
                .map { "\($0.value) \($0.key.rawValue)" }.joined(separator: ", ")
            return """
                churn, seed \(seed), \(Int(tally.seconds)) s: \(tally.started.count) sessions started, \
                \(tally.refusals) starts refused; ended \(ends); \(tally.views) views, \(tally.viewRefusals) refused; \
                faults: \(faults)
                """
        }
    }

    func run() {
        let began = ContinuousClock.now
        let workers = (0..<Self.atOnce).map { worker in
            Thread { [self] in
                var generator = SeededGenerator(seed: seed &* 1000 &+ UInt64(worker))
                while takeOne() { guarded { try live(&generator) } }
            }
        }
        for worker in workers { worker.start() }
        var generator = SeededGenerator(seed: seed)
        var faults: [Fault] = []
        while workers.contains(where: { !$0.isFinished }) {
            pause(0.5...2.5, &generator)
            if faults.isEmpty { faults = Fault.allCases.shuffled(using: &generator) }
            let fault = faults.removeLast()
            guarded { try commit(fault, &generator) }
            tally.withLock { $0.faults[fault, default: 0] += 1 }
        }
        tally.withLock { $0.seconds = (ContinuousClock.now - began) / .seconds(1) }
    }

    private func takeOne() -> Bool {
        tally.withLock { tally in
            guard tally.begun < sessions else { return false }
            tally.begun += 1
            return true
        }
    }

    private func guarded(_ body: () throws -> Void) {
        do { try body() } catch { tally.withLock { $0.problems.append("\(error)") } }
    }

    private func pause(_ seconds: ClosedRange<Double>, _ generator: inout SeededGenerator) {
        usleep(UInt32(Double.random(in: seconds, using: &generator) * 1_000_000))
    }

    // MARK: A session

    private enum End: String, CaseIterable {
        case stop, exit, itself
    }

    private func live(_ generator: inout SeededGenerator) throws {
        let user = Bool.random(using: &generator) ? "alice" : "bob"
        let end = End.allCases.randomElement(using: &generator) ?? .stop
        guard let number = try Gateway.attempt(user: user, app: end == .itself ? "brief" : "xterm") else {
            tally.withLock { $0.refusals += 1 }
            return pause(0.2...0.6, &generator)
        }
        tally.withLock { tally in
            if !tally.started.insert(number).inserted { tally.problems.append("session \(number) was told twice") }
            tally.ends[end.rawValue, default: 0] += 1
        }
        var viewers: [Viewer] = []
        for _ in 0..<Int.random(in: 0...2, using: &generator) {
            pause(0...0.3, &generator)
            if let viewer = open(number, user, &generator) { viewers.append(viewer) }
        }
        pause(0...0.8, &generator)
        // Some go before the end, in order or not; others see it.
        for viewer in viewers.dropFirst(end == .exit ? 1 : 0) {
            switch Int.random(in: 0...2, using: &generator) {
            case 0: viewer.close()
            case 1: viewer.abandon()
            default: break
            }
        }
        switch end {
        case .itself: break
        case .exit where !viewers.isEmpty:
            // The view may have been cut by a fault, or the keyboard with it.
            do {
                try viewers[0].point(x: 60, y: 60)
                try viewers[0].type("exit\n")
                try viewers[0].waitForEnd(within: .seconds(5))
            } catch {}
            try stop(number, &generator)
        case .exit, .stop: try stop(number, &generator)
        }
    }

    private func open(_ number: String, _ user: String, _ generator: inout SeededGenerator) -> Viewer? {
        let way = WayIn.allCases.randomElement(using: &generator) ?? .webSocketBinary
        let byTicket = Bool.random(using: &generator)
        do {
            let viewer =
                byTicket
                ? try Gateway.viewer(token: try Gateway.ticket(number).ticket, by: way)
                : try Gateway.viewer(number, by: way, user: user)
            if Bool.random(using: &generator) { _ = try viewer.frame() }
            tally.withLock { $0.views += 1 }
            return viewer
        } catch {
            tally.withLock { $0.viewRefusals += 1 }
            return nil
        }
    }

    /// As a portal does: again, while it is told to try again and the session is there.
    private func stop(_ number: String, _ generator: inout SeededGenerator) throws {
        for _ in 0..<15 {
            let answer = try Gateway.word(["stop", number])
            if answer.status == 0 { return }
            try Gateway.requireRefusal(answer)
            if try Gateway.sql("SELECT sessnum FROM session WHERE sessnum = \(number)").isEmpty { return }
            pause(0.5...1, &generator)
        }
        throw Missing(description: "session \(number) could not be stopped")
    }

    // MARK: A fault

    private func commit(_ fault: Fault, _ generator: inout SeededGenerator) throws {
        switch fault {
        case .controller: try Gateway.crash("maxwelld")
        case .relay:
            tally.withLock { $0.relayKills.append(Date().timeIntervalSince1970) }
            try Gateway.crash("maxwell-relay")
        case .agent: try strike(.agent, &generator)
        case .keeper: try strike(.keeper, &generator)
        case .server: try strike(.server, &generator)
        case .application: try strike(.application, &generator)
        case .cable:
            let host = Bool.random(using: &generator) ? "exec1" : "exec2"
            try Gateway.quickstart("--host", host, "cut")
            pause(1...4, &generator)
            try Gateway.quickstart("--host", host, "mend")
        }
    }

    private func strike(_ part: QuickStart.HostProcess.Part, _ generator: inout SeededGenerator) throws {
        let spared = try Gateway.sql("SELECT CONCAT(hostname, ':', dispnum) FROM mw_display WHERE sessnum <= \(first)")
        let victims = try Gateway.hostParts().filter {
            $0.part == part && !spared.contains("\($0.host):\($0.display ?? 0)")
        }
        if let victim = victims.randomElement(using: &generator) {
            // It may end by itself just now.
            kill(victim.id, SIGKILL)
        }
    }
}

/// Where a daemon's log ended at a moment.
private struct LogMark {
    private let path: String
    private let offset: UInt64

    init(_ daemon: String) throws {
        path = try Gateway.setting("MAXWELL_STATE") + "/log/\(daemon).log"
        offset = try FileHandle(forReadingFrom: URL(fileURLWithPath: path)).seekToEnd()
    }

    /// The lines since then.
    func lines() throws -> [Substring] {
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        try file.seek(toOffset: offset)
        return String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self).split(separator: "\n")
    }
}

/// What relay and controller wrote of views, held against `viewlog`.
private struct ViewLines {
    private let relay: LogMark
    private let controller: LogMark

    init(_ relay: LogMark, _ controller: LogMark) {
        self.relay = relay
        self.controller = controller
    }

    private struct Line: Decodable {
        var time: Double
        var event: String
        var view: String?
    }

    /// Sessions whose `viewlog` has not one row for each view that was started. A relay that is killed takes with it what
    /// began in its last moments and it had not told yet.
    func wrong(after first: Int, relayKills: [Double]) throws -> [String] {
        var sessions: [String: String] = [:]
        var told: Set<String> = []
        for line in try controller.lines() {
            let words = line.split(separator: " ")
            guard let view = words.first(where: { $0.hasPrefix("view=") }).map({ String($0.dropFirst(5)) }) else {
                continue
            }
            if line.hasSuffix("view opened") || line.hasSuffix("view closed") { told.insert(view) }
            if let session = words.first(where: { $0.hasPrefix("session=") }) {
                sessions[view] = String(session.dropFirst(8))
            }
        }
        var most: [String: Int] = [:]
        var least: [String: Int] = [:]
        var wrong: [String] = []
        for line in try relay.lines() {
            guard let line = try? JSONDecoder().decode(Line.self, from: Data(line.utf8)), line.event == "view started",
                let view = line.view
            else { continue }
            guard let session = sessions[view] else {
                wrong.append("view \(view) was started, and the controller knows nothing of it")
                continue
            }
            let mayBeLost = !told.contains(view) && relayKills.contains { line.time <= $0 + 0.1 && line.time > $0 - 3 }
            most[session, default: 0] += 1
            least[session, default: 0] += mayBeLost ? 0 : 1
        }
        let rows = try Gateway.sql(
            "SELECT sessnum, COUNT(*) FROM viewlog WHERE sessnum > \(first) GROUP BY sessnum")
        let logged = Dictionary(
            rows.compactMap { row -> (String, Int)? in
                let words = row.split(separator: "\t")
                return words.count == 2 ? (String(words[0]), Int(words[1]) ?? 0) : nil
            }
        ) { first, _ in first }
        for session in Set(most.keys).union(logged.keys) {
            let count = logged[session] ?? 0
            if count < least[session] ?? 0 || count > most[session] ?? 0 {
                wrong.append("session \(session) had \(most[session] ?? 0) views, and \(count) are in viewlog")
            }
        }
        return wrong.sorted()
    }
}
