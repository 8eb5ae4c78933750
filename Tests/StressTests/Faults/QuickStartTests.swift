import Foundation
import Glibc
import Stress
import Synchronization
import Testing

@testable import StressFaults

/// A quick start as far as faults see it: its records, its command, a `maxwell` and a database client that answer as the
/// whole gateway does. Its daemons are processes that sleep.
private final class PretendQuickStart {
    let folder: String
    var environment: [String: String] {
        [
            "MAXWELL_STATE": "\(folder)/state", "MAXWELL_SQL": "\(folder)/sql",
            "MAXWELL_SOCKET": "\(folder)/run/c/control.sock",
        ]
    }

    init() throws {
        var template = Array("/tmp/mwqsXXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw POSIXError(.EIO) }
        folder = String(cString: made)
        for name in ["state/record/process", "checkout/deploy", "data/bin", "run/c"] {
            try FileManager.default.createDirectory(
                atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
        }
        for (name, value) in [
            ("data", "\(folder)/data"), ("run", "\(folder)/run"), ("hash", "abc123"),
            ("checkout", "\(folder)/checkout"), ("complete", "yes"), ("isolation", "container"),
        ] {
            try record(name, value)
        }
        try program(
            "checkout/deploy/quickstart",
            """
            echo "$*" >>\(folder)/told
            case $1 in
            --restart)
                setsid sleep 600 </dev/null >/dev/null 2>&1 &
                echo "$! $(cut -d' ' -f22 /proc/$!/stat)" >\(folder)/state/record/process/$2
                ;;
            --names) cat \(folder)/names ;;
            esac
            """)
        try program(
            "data/bin/maxwell",
            """
            echo "maxwell $*" >>\(folder)/told
            if [ "$1" = hosts ]; then
                echo '[{"host":"exec1","status":"up","connected":true},{"host":"exec2","status":"up","connected":true}]'
            fi
            """)
        try program("sql", "case \"$3\" in 'SELECT CONCAT'*) echo 'exec1 7' ;; esac")
        try Data("here: file a\nexec1: cgroup maxwell/display-7-0a\n".utf8).write(
            to: URL(fileURLWithPath: "\(folder)/names"))
        for daemon in ["maxwelld", "maxwell-web", "maxwell-relay", "mariadb"] {
            #expect(
                ChildProgram.run(["\(folder)/checkout/deploy/quickstart", "--restart", daemon], within: 10).status == 0)
        }
        unlink("\(folder)/told")
    }

    deinit {
        for daemon in ["maxwelld", "maxwell-web", "maxwell-relay", "mariadb"] {
            if let process = try? pid(daemon) { kill(process, SIGKILL) }
        }
        try? FileManager.default.removeItem(atPath: folder)
    }

    func record(_ name: String, _ value: String) throws {
        try Data((value + "\n").utf8).write(to: URL(fileURLWithPath: "\(folder)/state/record/\(name)"))
    }

    func program(_ name: String, _ text: String) throws {
        try Data(("#!/bin/bash\n" + text + "\n").utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        guard chmod("\(folder)/\(name)", 0o755) == 0 else { throw POSIXError(.EIO) }
    }

    func pid(_ daemon: String) throws -> pid_t {
        let text = try String(contentsOfFile: "\(folder)/state/record/process/\(daemon)", encoding: .utf8)
        return try #require(text.split(separator: " ").first.flatMap { pid_t($0) })
    }

    /// What its command and its `maxwell` were told, without questions about hosts.
    var told: [String] {
        let text = (try? String(contentsOfFile: "\(folder)/told", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map(String.init).filter { $0 != "maxwell hosts --json" }
    }

    var journal: String? { try? String(contentsOfFile: "\(folder)/state/record/stress-faults", encoding: .utf8) }

    /// Carries `entries` out to their end.
    func run(_ entries: [FaultSchedule.Entry]) throws -> (problems: [String], seen: [Observation]) {
        let seen = Seen()
        let run = FaultRun(
            FaultSchedule(entries: entries), in: try QuickStart(environment: environment), began: .now,
            tell: { seen.add($0) })
        run.start()
        return (run.finish(), seen.all)
    }
}

private final class Seen: Sendable {
    private let observations = Mutex<[Observation]>([])
    func add(_ observation: Observation) { observations.withLock { $0.append(observation) } }
    var all: [Observation] { observations.withLock { $0 } }
}

@Suite("breaking a quick start, and mending it")
struct QuickStartTests {
    @Test("elsewhere than in a quick start that runs, faults are refused with a sentence")
    func refusals() throws {
        #expect(throws: QuickStartError.notHere) { try QuickStart(environment: [:]) }
        let pretend = try PretendQuickStart()
        _ = try QuickStart(environment: pretend.environment)
        var other = pretend.environment
        other["MAXWELL_SOCKET"] = "/run/maxwell/control.sock"
        #expect(throws: QuickStartError.otherGateway) { try QuickStart(environment: other) }
        try pretend.record("isolation", "none")
        #expect(throws: QuickStartError.hostsArePlain) { try QuickStart(environment: pretend.environment) }
        unlink(pretend.folder + "/state/record/complete")
        #expect(throws: QuickStartError.notHere) { try QuickStart(environment: pretend.environment) }
        for error in [QuickStartError.notHere, .notRoot, .otherGateway, .hostsArePlain, .refused("x", said: "y")] {
            #expect(error.userMessage.hasSuffix("."))
        }
    }

    @Test(
        "a daemon that was killed is started again, and the gateway is seen to be well",
        arguments: [
            (Fault.killController, "maxwelld"), (.killRelay, "maxwell-relay"), (.killWeb, "maxwell-web"),
            (.killDatabase, "mariadb"),
        ])
    func killed(fault: Fault, daemon: String) throws {
        let pretend = try PretendQuickStart()
        let before = try pretend.pid(daemon)
        let outcome = try pretend.run([.init(at: 0, fault, chance: 0)])
        #expect(outcome.problems.isEmpty)
        #expect(pretend.told == ["--restart \(daemon)"])
        #expect(try pretend.pid(daemon) != before)
        #expect(pretend.journal == nil)
        guard outcome.seen.count == 2, case .fault(fault.rawValue, let at, nil) = outcome.seen[0],
            case .fault(fault.rawValue, at, .some(let healed)) = outcome.seen[1]
        else {
            Issue.record("\(outcome.seen)")
            return
        }
        #expect(healed >= 0)
    }

    @Test(
        "what lasts is mended after its time",
        arguments: [
            (Fault.cutHost, ["--host exec2 cut", "--host exec2 mend"]),
            (.fillDisk, ["--host exec2 fill", "--host exec2 empty"]),
            (.drainHost, ["maxwell host drain exec2", "maxwell host up exec2"]),
            (.reloadCertificates, ["--renew-certificate"]), (.upgradeRelay, ["--upgrade-relay"]),
        ])
    func lasting(fault: Fault, words: [String]) throws {
        let pretend = try PretendQuickStart()
        let outcome = try pretend.run([.init(at: 0, fault, span: 0.2, chance: 3)])
        #expect(outcome.problems.isEmpty)
        #expect(pretend.told == words)
        #expect(pretend.journal == nil)
        #expect(outcome.seen.count == 2)
    }

    @Test("a database that is stopped stands still for its time, and goes on")
    func stopped() throws {
        let pretend = try PretendQuickStart()
        let database = try pretend.pid("mariadb")
        let seen = Seen()
        let run = FaultRun(
            FaultSchedule(entries: [.init(at: 0, .stopDatabase, span: 600, chance: 0)]),
            in: try QuickStart(environment: pretend.environment), began: .now, tell: { seen.add($0) })
        run.start()
        while seen.all.isEmpty { usleep(10_000) }
        while try state(of: database) != "T" { usleep(10_000) }
        #expect(pretend.journal == "stop:database\n")
        // A run that is ended mends at once.
        run.stop()
        #expect(run.finish().isEmpty)
        #expect(try state(of: database) != "T")
        #expect(pretend.journal == nil)
    }

    @Test("a run that is ended begins no further fault")
    func ended() throws {
        let pretend = try PretendQuickStart()
        let run = FaultRun(
            FaultSchedule(entries: [.init(at: 3600, .killController, chance: 0)]),
            in: try QuickStart(environment: pretend.environment), began: .now, tell: { _ in })
        run.start()
        run.stop()
        #expect(run.finish().isEmpty)
        #expect(run.happened == 0 && pretend.told.isEmpty)
    }

    @Test("what an earlier run left broken is mended first, each once")
    func inherited() throws {
        let pretend = try PretendQuickStart()
        kill(try pretend.pid("maxwelld"), SIGKILL)
        try pretend.record("stress-faults", "cut:host exec1\nkill:controller\nnonsense")
        let quickStart = try QuickStart(environment: pretend.environment)
        while quickStart.process("maxwelld") != nil { usleep(10_000) }
        #expect(try quickStart.mendAll() == ["cut:host exec1", "kill:controller"])
        #expect(pretend.told == ["--host exec1 mend", "--restart maxwelld"])
        #expect(try quickStart.mendAll().isEmpty)
    }

    @Test("what cannot be broken is told, and mended all the same")
    func refusedByQuickStart() throws {
        let pretend = try PretendQuickStart()
        try pretend.program(
            "checkout/deploy/quickstart",
            "echo \"$*\" >>\(pretend.folder)/told; [ \"$3\" != cut ] || { echo 'the cable is of steel'; exit 70; }")
        let outcome = try pretend.run([.init(at: 0, .cutHost, span: 0.1, chance: 0)])
        #expect(outcome.problems == ["cut:host: the cable is of steel\n"])
        #expect(outcome.seen.isEmpty)
        #expect(pretend.told == ["--host exec1 cut", "--host exec1 mend"])
        #expect(pretend.journal == nil)
    }

    @Test("where there is nobody to kill, nothing has happened")
    func nobody() throws {
        let pretend = try PretendQuickStart()
        let outcome = try pretend.run([.init(at: 0, .killAgent, chance: 0), .init(at: 0, .killKeeper, chance: 0)])
        #expect(outcome.problems.isEmpty && outcome.seen.isEmpty)
    }

    @Test("leftovers are what was not there before, without displays that the tables know")
    func leftovers() throws {
        let pretend = try PretendQuickStart()
        let leftovers = try Leftovers(of: try QuickStart(environment: pretend.environment))
        #expect(try leftovers.found(within: 0).isEmpty)
        let names =
            "exec1: cgroup maxwell/display-7-1b\nexec1: cgroup maxwell/display-8-0b\nhere: file a\nhere: file a\n"
        try Data(names.utf8).write(to: URL(fileURLWithPath: pretend.folder + "/names"))
        #expect(
            try leftovers.found(within: 0) == [
                "exec1: cgroup maxwell/display-8-0b", "here: file a (2 instead of 1)",
            ])
    }

    private func state(of process: pid_t) throws -> String {
        let line = try #require(ProcessTable.text(of: process, "stat"))
        return String(try #require(line.split(separator: ")").last?.split(separator: " ").first))
    }
}

@Suite("whom a fault hits")
struct VictimTests {
    private typealias HostProcess = QuickStart.HostProcess

    private static func process(
        _ host: String, _ id: pid_t, _ part: HostProcess.Part?, _ display: Int? = nil
    ) -> HostProcess {
        HostProcess(host: host, id: id, began: UInt64(id), name: "x", part: part, display: display)
    }

    private let processes = [
        process("exec1", 1, .agent), process("exec2", 2, .agent), process("exec1", 3, .keeper, 7),
        process("exec1", 4, .server, 7), process("exec1", 5, .keeper, 8), process("exec1", 6, .server, 8),
        process("exec2", 7, .keeper, 8), process("exec2", 8, .server, 8), process("exec2", 9, .application, 8),
        process("exec2", 10, nil),
    ]

    private func victims(
        _ fault: Fault, used: [(String, Int)] = [], spared: [(String, Int)] = [], more: [HostProcess] = []
    ) -> Set<pid_t> {
        Set(
            (0..<20).compactMap { chance in
                QuickStart.victim(
                    .init(at: 0, fault, chance: chance), among: processes + more, used: used, spared: spared)?.id
            })
    }

    @Test("an agent on either host")
    func agents() { #expect(victims(.killAgent) == [1, 2]) }

    @Test("a display that a stress session has, where there is one; else one that waits; never anybody else's")
    func displays() {
        #expect(victims(.killKeeper) == [3, 5, 7])
        #expect(victims(.killDisplay) == [4, 6, 8])
        #expect(victims(.killDisplay, used: [("exec2", 8)]) == [8])
        #expect(victims(.killKeeper, used: [("exec1", 8)], spared: [("exec1", 7)]) == [5])
        #expect(victims(.killKeeper, spared: [("exec1", 7), ("exec2", 8)]) == [5])
        #expect(victims(.killDisplay, spared: [("exec1", 7), ("exec1", 8), ("exec2", 8)]).isEmpty)
    }

    @Test("where displays are synthetic, the process that is a host's keeper of all")
    func synthetic() {
        let more = [Self.process("exec1", 20, .synthetic)]
        #expect(victims(.killKeeper, used: [("exec1", 900)], more: more) == [20])
        #expect(victims(.killDisplay, used: [("exec1", 900)], more: more) == [4, 6, 8])
    }

    @Test("processes are told apart by their words, names and cgroups")
    func parts() {
        func part(_ name: String, _ arguments: [String], _ groups: String = "") -> String {
            QuickStart.process(
                HostProcess(host: "exec1", id: 1, began: 1, name: name), arguments: arguments, groups: groups
            ).leftoverName
        }
        #expect(part("maxwell-host", ["maxwell-host", "serve"]) == "exec1: process agent")
        #expect(
            part("exe", ["maxwell-host", "--run", "/run/maxwell", "keep", "12"]) == "exec1: display 12: process keeper")
        #expect(part("exe", ["maxwell-host", "--run", "/run/maxwell", "synthetic"]) == "exec1: process synthetic")
        let group = "0::/mwq-abc123/exec1/maxwell/display-5-0a1b\n"
        #expect(part("Xvnc", ["Xvnc", ":5"], group) == "exec1: display 5: process server")
        #expect(part("xterm", ["xterm"], "0::/x/display-5-0a1b/app\n") == "exec1: display 5: process application")
        #expect(part("bwrap", ["bwrap"], group) == "exec1: display 5: process bwrap")
        #expect(part("sshd", ["sshd: root@notty"]) == "exec1: process sshd")
        #expect(Leftovers.display(of: part("Xvnc", ["Xvnc", ":5"], group)) == "exec1 5")
        #expect(Leftovers.display(of: "exec2: file displays/31/keep.sock") == "exec2 31")
        #expect(Leftovers.display(of: "exec2: mount /run") == nil)
        #expect(Leftovers.display(of: "here: file display-5") == nil)
        #expect(QuickStart.isOf("exec1", "0::/mwq-abc123/exec1\n", "abc123"))
        #expect(QuickStart.isOf("exec1", "5:cpu:/\n4:memory:/mwq-abc123/exec1/maxwell/display-1-a\n", "abc123"))
        #expect(!QuickStart.isOf("exec1", "0::/mwq-abc123/exec10\n1:memory:/mwq-abc124/exec1\n", "abc123"))
    }

    @Test("damage is written down and read again")
    func damage() {
        for fault in Fault.allCases {
            let damage = Damage(fault, on: fault.isOfHost ? "exec2" : nil)
            #expect(Damage(text: damage.text) == damage)
        }
        for text in ["", "kill", "kill:nobody", "cut:host exec1 exec2"] { #expect(Damage(text: text) == nil) }
    }

    @Test("sessions that ended without a stop or a fault are told")
    func wronglyEnded() {
        let rows = [
            ["1", "stopped"], ["2", "the display died"], ["3", "nobody watched it for 20 s"],
            ["4", "the display died"],
        ]
        #expect(
            QuickStart.wronglyEnded(rows, hit: [2]) == [
                "session 3 ended: nobody watched it for 20 s", "session 4 ended: the display died",
            ])
    }
}

@Suite("programs that faults run")
struct ChildProgramTests {
    @Test("both streams, and how it ended")
    func answers() {
        #expect(
            ChildProgram.run(["sh", "-c", "echo a; echo b >&2; exit 3"], within: 10)
                == .init(output: "a\nb\n", status: 3))
        #expect(ChildProgram.run(["sh", "-c", "kill -TERM $$"], within: 10).status == 128 + SIGTERM)
        #expect(ChildProgram.run(["/nonexistent/program"], within: 10).status == 127)
        #expect(ChildProgram.run([], within: 10).status == 127)
    }

    @Test("what takes too long is ended, with what it started")
    func tooLong() {
        #expect(ChildProgram.run(["sh", "-c", "sleep 600 & sleep 600"], within: 0.2).status == 128 + SIGKILL)
    }

    @Test("it has no descriptor of ours, and is in a group of its own")
    func alone() {
        let answer = ChildProgram.run(
            ["sh", "-c", "ls /proc/self/fd | wc -l; echo $$; cut -d' ' -f5 /proc/$$/stat"], within: 10)
        let lines = answer.output.split(separator: "\n").map { $0.filter { $0 != " " } }
        // 0, 1, 2, and the folder that ls reads.
        #expect(lines.count == 3 && lines[0] == "4" && lines[1] == lines[2], "\(answer.output)")
    }
}
