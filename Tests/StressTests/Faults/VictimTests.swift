import Glibc
import Stress
import Testing

@testable import StressFaults

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

    @Test("descriptors that a process has kept are told; a few more or less, and a new process, are not")
    func descriptors() {
        let before = ["maxwelld": 29, "maxwell-relay": 9]
        #expect(Leftovers.grown(["maxwelld": 45, "maxwell-relay": 4, "agent of exec1": 90], since: before).isEmpty)
        #expect(
            Leftovers.grown(["maxwelld": 46, "maxwell-relay": 9], since: before)
                == ["maxwelld: 46 descriptors instead of 29"])
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
            ["4", "the display died"], ["5", "its start was interrupted"],
        ]
        #expect(
            QuickStart.wronglyEnded(rows, hit: [2]) == [
                .init("session: ended wrongly", "session 3: nobody watched it for 20 s"),
                .init("session: ended wrongly", "session 4: the display died"),
            ])
    }
}
