import Glibc
import HostProtocol
import SessionModel
import Testing

@testable import Isolation

@Suite("a session's account", .serialized)
struct AccountTests {
    /// Uses the processor, says so, and goes on.
    static let busy = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; echo used; exec sleep 1000"

    @Test("it grows while the application runs, with and without a container", arguments: ["container", "none"])
    func running(isolation: String) throws {
        let number = isolation == "container" ? 3131 : 46_000 + Int(getpid()) % 10_000
        try withDisplay(number, ["--isolation", isolation]) { agent, number in
            let waited = agent.cpuSeconds(of: number)
            let began = now()
            #expect(try agent.start(Self.busy, on: number) == .applicationStarted)
            let first = try agent.account(number)
            while agent.file("7/app.log") != "used\n" { usleep(2000) }
            let second = try agent.account(number)
            #expect(second.session == SessionNumber(7) && second.key == Agent.key && second.status == nil)
            #expect(first.wallSeconds < second.wallSeconds && second.wallSeconds < now() - began)
            #expect(first.cpuSeconds < second.cpuSeconds)
            if let waited, let used = agent.cpuSeconds(of: number) { #expect(second.cpuSeconds <= used - waited) }
            expectEnded(try agent.end(number))
            #expect(agent.traces(of: number) == [])
        }
    }

    @Test("another key, another display and a display without a session have none")
    func unknown() throws {
        try withDisplay(3132) { agent, number in
            expectFailure(try agent.ask(.account(display: number, key: Agent.key)), .displayUnknown)
            #expect(try agent.start("exec sleep 1000", on: number) == .applicationStarted)
            expectFailure(try agent.ask(.account(display: number, key: .token())), .displayUnknown)
            expectFailure(try agent.ask(.account(display: DisplayNumber(3130), key: Agent.key)), .displayUnknown)
            _ = try agent.end(number)
            expectFailure(try agent.ask(.account(display: number, key: Agent.key)), .displayUnknown)
        }
    }

    @Test("its clock stops with the application, whose status it tells")
    func exited() throws {
        try withDisplay(3133) { agent, number in
            #expect(try agent.start("exit 3", on: number) == .applicationStarted)
            let exit = try agent.exit()
            #expect(exit.key == Agent.key && exit.status == 3)
            for _ in 0..<2 {
                let account = try agent.account(number)
                #expect(account.status == 3 && account.wallSeconds == exit.wallSeconds)
                #expect(account.cpuSeconds >= exit.cpuSeconds)
            }
            let end = try #require(expectEnded(try agent.end(number)))
            #expect(end.status == 3 && end.wallSeconds == exit.wallSeconds && end.key == Agent.key)
        }
    }

    @Test("what an end still has to do after the application's is not in it, nor a status")
    func ending() throws {
        try withDisplay(3134) { agent, number in
            let began = now()
            #expect(
                try agent.start(
                    "setsid sh -c 'trap \"\" HUP TERM; echo there; while :; do sleep 1000; done' & exec sleep 1000",
                    on: number) == .applicationStarted)
            while agent.file("7/app.log") != "there\n" { usleep(2000) }
            try agent.send(.endDisplay(display: number, key: Agent.key, patienceSeconds: 60))
            var account = try agent.account(number)
            while case let later = try agent.account(number), later.wallSeconds > account.wallSeconds {
                account = later
            }
            let longest = now() - began
            #expect(account.wallSeconds > 0 && account.wallSeconds < longest && account.status == nil)
            #expect(access(agent.home + "/data/sessions/7", F_OK) == 0)
            // A longer patience changes nothing, a shorter one is the one that counts.
            try agent.send(.endDisplay(display: number, key: Agent.key, patienceSeconds: 600))
            let end = try #require(
                expectEnded(try agent.ask(.endDisplay(display: number, key: Agent.key, patienceSeconds: 0.2))))
            #expect(end.wallSeconds == account.wallSeconds && end.status == nil && end.session == SessionNumber(7))
            #expect(try agent.reply() == .displayEnded(end))
            #expect(try agent.reply() == .displayEnded(end))
            #expect(agent.traces(of: number) == [])
            #expect(agent.file("7-expired/app.log") == "there\n")
        }
    }
}
