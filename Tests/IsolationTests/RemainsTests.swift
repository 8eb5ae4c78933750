import Glibc
import HostProtocol
import SessionModel
import Testing

@testable import Isolation

@Suite("what a keeper's death leaves", .serialized)
struct RemainsTests {
    @Test("under a running agent its session's account is whole, and nothing else is left")
    func watched() throws {
        try withDisplay(3161) { agent, number in
            let began = now()
            #expect(try agent.start(AccountTests.busy, on: number) == .applicationStarted)
            while agent.file("7/app.log") != "used\n" { usleep(2000) }
            let inside = Agent.sharingNamespaces(of: try #require(agent.left(of: number).first).pid)
            #expect(inside.count > 1)
            let account = try agent.account(number)
            for pid in agent.processes("keep 3161") { kill(pid, SIGKILL) }
            guard case .displayDied(let end) = try agent.event() else {
                Issue.record("the death was not told")
                return
            }
            #expect(end.session == SessionNumber(7) && end.key == Agent.key && end.status == nil)
            #expect(end.wallSeconds >= account.wallSeconds && end.wallSeconds < now() - began)
            #expect(end.cpuSeconds >= account.cpuSeconds && account.cpuSeconds > 0)
            #expect(agent.traces(of: number) == [])
            #expect(inside.allSatisfy { !$0.isAlive })
            #expect(try agent.inventory() == [])
            expectFailure(try agent.ask(.account(display: number, key: Agent.key)), .displayUnknown)
        }
    }

    @Test("with nobody there to see it, no time is invented, and all the CPU is counted")
    func unwatched() throws {
        try withDisplay(3162) { agent, number in
            let began = now()
            #expect(try agent.start(AccountTests.busy, on: number) == .applicationStarted)
            while agent.file("7/app.log") != "used\n" { usleep(2000) }
            let account = try agent.account(number)
            agent.stop()
            for pid in agent.processes("keep 3162") { kill(pid, SIGKILL) }
            while !agent.processes("keep 3162").isEmpty || !agent.serverProcesses(of: number).isEmpty { usleep(1000) }
            let died = now()
            try agent.start()
            guard case .displayDied(let end) = try agent.event() else {
                Issue.record("the death was not told")
                return
            }
            #expect(end.session == SessionNumber(7) && end.key == Agent.key)
            #expect(end.wallSeconds > 0 && end.wallSeconds < died - began)
            #expect(end.cpuSeconds >= account.cpuSeconds)
            #expect(agent.hello?.inventory == [] && agent.traces(of: number) == [])
        }
    }

    @Test("an application that had ended keeps its time and its status")
    func exited() throws {
        try withDisplay(3163) { agent, number in
            #expect(try agent.start("exit 3", on: number) == .applicationStarted)
            let exit = try agent.exit()
            for pid in agent.processes("keep 3163") { kill(pid, SIGKILL) }
            guard case .displayDied(let end) = try agent.event() else {
                Issue.record("the death was not told")
                return
            }
            #expect(end.status == 3 && end.wallSeconds == exit.wallSeconds && end.key == Agent.key)
            #expect(end.cpuSeconds >= exit.cpuSeconds && end.session == SessionNumber(7))
            #expect(agent.traces(of: number) == [])
        }
    }

    @Test("an end that is asked of a display whose keeper died meets that display only")
    func otherKey() throws {
        try withDisplay(3164) { agent, number in
            #expect(try agent.start("exec sleep 1000", on: number) == .applicationStarted)
            agent.stop()
            let keeper = try #require(agent.processes("keep 3164").first)
            kill(keeper, SIGSTOP)
            try agent.start()
            try agent.send(.endDisplay(display: number, key: .token(), patienceSeconds: 0))
            try agent.send(.account(display: number, key: Agent.key))
            #expect(try agent.ask(.ping) == .done)
            kill(keeper, SIGKILL)
            var ends: [DisplayEnd] = []
            var accounts: [DisplayEnd] = []
            while ends.isEmpty || accounts.isEmpty {
                switch try agent.event() {
                case .reply(_, .displayEnded(let end)): ends.append(end)
                case .reply(_, .account(let account)): accounts.append(account)
                case .displayDied(let end): #expect(end.session == SessionNumber(7))
                default: break
                }
            }
            #expect(ends.map(\.session) == [nil] && accounts.map(\.session) == [SessionNumber(7)])
            #expect(agent.traces(of: number) == [])
        }
    }

    @Test(
        "cgroups that a silent file system kept are removed when the host looks again, and a living display's are not")
    func sweep() throws {
        try withDisplay(3167) { agent, number in
            let gone = try DisplayNumber(3168)
            let name = RunFolder(path: agent.run, isolation: .container).groupName(of: gone)
            let kept = ControlGroups(making: name, parts: ControlGroups.Part.allCases)
            #expect(!kept.folders.isEmpty && agent.traces(of: gone) != [])
            #expect(try agent.inventory().map(\.display) == [number])
            #expect(agent.traces(of: gone) == [])
            #expect(agent.groups(ofDisplay: number).folders.allSatisfy { access($0 + "/session", F_OK) == 0 })
            try agent.expectUsable(number, session: 8)
            expectEnded(try agent.end(number))
        }
    }

    @Test("after another boot nothing is ended, and the account is what was written down")
    func rebooted() throws {
        var state = KeeperState()
        state.first = ProcessIdentity(getpid())
        state.application = ProcessIdentity(getpid())
        state.session = SessionNumber(7)
        state.boot = "another"
        state.handedOver = UseMark(at: 1000, cpu: 1.5)
        state.beat = UseMark(at: 1035, cpu: 4)
        let number = try DisplayNumber(3165)
        let end = Remains(state, exit: nil, sawDeath: false).end(display: number, within: 1)
        #expect(
            end
                == DisplayEnd(
                    display: number, session: SessionNumber(7), status: nil, wallSeconds: 35, cpuSeconds: 2.5))
        state.beat = nil
        #expect(Remains(state, exit: nil, sawDeath: false).end(display: number, within: 1).wallSeconds == 0)
    }

    @Test("a state that an older keeper wrote is understood")
    func older() throws {
        let state: KeeperState = try #require(decoded(Array(#"{"session":7,"groups":[]}"#.utf8)))
        let number = try DisplayNumber(3166)
        let end = Remains(state, exit: nil, sawDeath: true).end(display: number, within: 1)
        #expect(end.session == SessionNumber(7) && end.wallSeconds == 0)
    }
}
