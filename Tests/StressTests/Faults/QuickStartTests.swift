import Foundation
import Glibc
import Stress
import Testing

@testable import StressFaults

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

    @Test("the gateway is not well while nobody answers at its relay's port")
    func deafRelay() throws {
        let pretend = try PretendQuickStart()
        let quickStart = try QuickStart(environment: pretend.environment)
        // A busy machine may let it wait for the answer for longer than it does.
        let end = ContinuousClock.now + .seconds(60)
        while !quickStart.isWell(["exec1"], after: nil) { try #require(ContinuousClock.now < end) }
        try pretend.record("port", "1")
        #expect(!quickStart.isWell(["exec1"], after: nil))
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

    @Test("what an earlier run left broken is mended first, each once, daemons before hosts")
    func inherited() throws {
        let pretend = try PretendQuickStart()
        kill(try pretend.pid("maxwelld"), SIGKILL)
        try pretend.record("stress-faults", "cut:host exec1\nkill:controller\nnonsense")
        let quickStart = try QuickStart(environment: pretend.environment)
        while quickStart.process("maxwelld") != nil { usleep(10_000) }
        #expect(try quickStart.mendAll() == ["kill:controller", "cut:host exec1"])
        #expect(pretend.told == ["--restart maxwelld", "--host exec1 mend"])
        #expect(try quickStart.mendAll().isEmpty)
    }

    @Test("the database is mended before the controller, that before what asks it, and hosts last")
    func order() {
        let hosts = [Damage(.drainHost, on: "exec2"), Damage(.cutHost, on: "exec1")]
        let daemons = [
            Damage(.stopDatabase), Damage(.killDatabase), Damage(.killController), Damage(.killRelay), Damage(.killWeb),
        ]
        #expect(QuickStart.inMendingOrder(hosts + daemons.reversed()) == daemons + hosts)
    }

    @Test("where something cannot be mended everything else is, and the first failure is told")
    func mendsTheRest() throws {
        let pretend = try PretendQuickStart()
        try pretend.program(
            "checkout/deploy/quickstart",
            "echo \"$*\" >>\(pretend.folder)/told; [ \"$2\" != exec1 ] || { echo 'no pliers'; exit 70; }")
        try pretend.record("stress-faults", "cut:host exec1\nfill:disk exec1\ndrain:host exec2")
        let quickStart = try QuickStart(environment: pretend.environment)
        #expect(throws: QuickStartError.refused("quickstart --host exec1 mend", said: "no pliers\n")) {
            try quickStart.mendAll()
        }
        #expect(pretend.told == ["--host exec1 mend", "--host exec1 empty", "maxwell host up exec2"])
        #expect(pretend.journal == "cut:host exec1\nfill:disk exec1\n")
    }

    @Test("what cannot be broken is told, and mended all the same")
    func refusedByQuickStart() throws {
        let pretend = try PretendQuickStart()
        try pretend.program(
            "checkout/deploy/quickstart",
            "echo \"$*\" >>\(pretend.folder)/told; [ \"$3\" != cut ] || { echo 'the cable is of steel'; exit 70; }")
        let outcome = try pretend.run([.init(at: 0, .cutHost, span: 0.1, chance: 0)])
        #expect(outcome.problems == [.init("fault: not done", "cut:host: the cable is of steel\n")])
        #expect(outcome.seen.isEmpty)
        #expect(pretend.told == ["--host exec1 cut", "--host exec1 mend"])
        #expect(pretend.journal == nil)
    }

    @Test("after what could not be broken, too, the gateway is waited for until it is well")
    func halfBroken() throws {
        let pretend = try PretendQuickStart()
        let (broken, asked) = (pretend.folder + "/broken", pretend.folder + "/asked")
        try pretend.program("checkout/deploy/quickstart", "[ \"$3\" != cut ] || { touch \(broken); exit 70; }")
        try pretend.program(
            "data/bin/maxwell",
            """
            if [ -e \(broken) ]; then
                mv \(broken) \(asked)
                echo '[]'
            else
                echo '[{"host":"exec1","status":"up","connected":true}]'
            fi
            """)
        let outcome = try pretend.run([.init(at: 0, .cutHost, span: 0.1, chance: 0)])
        #expect(outcome.problems == [.init("fault: not done", "cut:host: ")])
        #expect(outcome.seen.isEmpty)
        #expect(access(asked, F_OK) == 0)
    }

    @Test("where there is nothing to break, what could not be mended earlier is mended all the same")
    func mendsWithoutBreaking() throws {
        let pretend = try PretendQuickStart()
        let tried = pretend.folder + "/tried"
        try pretend.program(
            "checkout/deploy/quickstart", "[ -e \(tried) ] || { touch \(tried); echo 'not yet'; exit 70; }")
        try pretend.record("stress-faults", "cut:host exec1")
        let outcome = try pretend.run([.init(at: 0, .killAgent, chance: 0)])
        #expect(outcome.problems == [.init("fault: not mended", "what an earlier run left: not yet\n")])
        #expect(outcome.seen.isEmpty)
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
