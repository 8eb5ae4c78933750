import Glibc
import HostProtocol
import SessionModel
import Testing

@testable import Isolation

@Suite("the inventory", .serialized)
struct InventoryTests {
    @Test("it follows a display through its life")
    func life() throws {
        try withAgent { agent in
            let number = try DisplayNumber(3151)
            #expect(try agent.inventory() == [])
            #expect(try agent.make(number) == .displayReady)
            var report = DisplayReport(
                display: number, state: .ready, session: nil, template: agent.hello?.template, key: Agent.key)
            #expect(try agent.inventory() == [report])
            #expect(try agent.start("exec sleep 1000", on: number) == .applicationStarted)
            report.state = .used
            report.session = SessionNumber(7)
            #expect(try agent.inventory() == [report])
            expectEnded(try agent.end(number))
            #expect(try agent.inventory() == [])
        }
    }

    @Test("a keeper that hangs is told as it was known last, by a new agent too")
    func hanging() throws {
        try withDisplay(3152) { agent, number in
            #expect(try agent.start("exec sleep 1000", on: number) == .applicationStarted)
            let known = try agent.inventory()
            let keeper = try #require(agent.processes("keep 3152").first)
            kill(keeper, SIGSTOP)
            defer { kill(keeper, SIGCONT) }
            #expect(try agent.inventory() == known)
            agent.stop(SIGKILL)
            try agent.start()
            #expect(agent.hello?.inventory == known)
            kill(keeper, SIGCONT)
            expectEnded(try agent.end(number))
            #expect(agent.traces(of: number) == [])
        }
    }

    @Test("an agent that is killed in the middle of making a display leaves it to the next one")
    func killedMaking() throws {
        try withAgent { agent in
            let number = try DisplayNumber(3153)
            try agent.send(
                .makeDisplay(
                    DisplayOrder(
                        display: number, geometry: .usual, depth: 24, withGL: false, uid: 2_003_153,
                        password: Secret("abcd1234"), key: Agent.key)))
            while agent.processes("keep 3153").isEmpty { usleep(500) }
            agent.stop(SIGKILL)
            try agent.start()
            while case let found = try agent.inventory(), let one = found.first, one.state != .ready { usleep(2000) }
            expectEnded(try agent.end(number))
            #expect(agent.traces(of: number) == [])
            #expect(try agent.make(number) == .displayReady)
            expectEnded(try agent.end(number))
        }
    }

    @Test("an agent that is killed in the middle of a hand-over leaves it to the next one")
    func killedHandingOver() throws {
        try withDisplay(3154) { agent, number in
            try agent.send(.startApplication(agent.order("exec sleep 1000", on: number, session: 7, geometry: .usual)))
            // Either the keeper has heard of it by now, or it never does.
            agent.stop(SIGKILL)
            try agent.start()
            while case let one = try agent.inventory().first, one?.state == .used, one?.session == nil { usleep(2000) }
            #expect(try agent.inventory().map(\.display) == [number])
            expectEnded(try agent.end(number))
            #expect(agent.traces(of: number) == [])
        }
    }

    @Test("an agent that is killed in the middle of an end leaves it to the next one, which may hurry it")
    func killedEnding() throws {
        try withDisplay(3155) { agent, number in
            #expect(
                try agent.start("trap '' HUP TERM; echo here; while :; do sleep 1000; done", on: number)
                    == .applicationStarted)
            while agent.file("7/app.log") != "here\n" { usleep(2000) }
            try agent.send(.endDisplay(display: number, key: Agent.key, patienceSeconds: 60))
            let before = try agent.account(number)
            agent.stop(SIGKILL)
            try agent.start()
            #expect(agent.hello?.inventory.map(\.state) == [.ending])
            #expect(agent.hello?.inventory.map(\.session) == [SessionNumber(7)])
            let after = try agent.account(number)
            #expect(after.wallSeconds > before.wallSeconds)
            let end = try agent.ask(.endDisplay(display: number, key: Agent.key, patienceSeconds: 0))
            #expect(try #require(expectEnded(end)).wallSeconds > after.wallSeconds)
            #expect(agent.traces(of: number) == [])
        }
    }
}
