import FoundationEssentials
import Glibc
import HostProtocol
import SessionModel
import Testing

@testable import Isolation

@Suite("synthetic displays on a real host", .serialized)
struct SyntheticTests {
    /// A viewer of a display behind the data socket.
    private final class Viewer {
        let socket: Int32
        var client = DisplayClient(password: Secret("abcd1234"), mostPixels: 1 << 22)

        init(_ agent: Agent, _ number: DisplayNumber) throws {
            socket = try agent.connection("RFB \(number) \(Agent.key.exposed)\n")
            var answer = [UInt8](repeating: 0, count: 3)
            guard read(socket, &answer, 3) == 3, answer == Array("OK\n".utf8) else { throw Agent.Gone() }
            while client.width == 0 { _ = try next() }
        }

        deinit { close(socket) }

        /// What the display sends next, what has to be answered being answered.
        func next() throws -> [DisplayClient.Event] {
            var polled = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            guard poll(&polled, 1, 15_000) > 0 else { throw Agent.Gone() }
            var part = [UInt8](repeating: 0, count: 1 << 18)
            let count = read(socket, &part, part.count)
            guard count > 0 else { throw Agent.Gone() }
            let events = try client.received(part[..<count])
            for case .send(let bytes) in events { try say(bytes) }
            if events.contains(.challenged) { try say(client.logIn()) }
            return events
        }

        func say(_ bytes: [UInt8]) throws {
            guard write(socket, bytes, bytes.count) == bytes.count else { throw Agent.Gone() }
        }

        var whole: DisplayClient.Rectangle {
            .init(left: 0, top: 0, width: client.width, height: client.height)
        }

        /// The parts of the next update that has any, asked for.
        func update(of part: DisplayClient.Rectangle, changes: Bool) throws -> [DisplayClient.Rectangle] {
            var parts: [DisplayClient.Rectangle] = []
            try say(DisplayClient.request(part, onlyChanges: changes))
            while true {
                for event in try next() {
                    if case .pixels(let part, _) = event { parts.append(part) }
                    if case .updated = event {
                        if !parts.isEmpty { return parts }
                        try say(DisplayClient.request(part, onlyChanges: changes))
                    }
                }
            }
        }
    }

    private func order(_ number: DisplayNumber) -> HostRequest {
        .makeDisplay(
            DisplayOrder(
                display: number, geometry: .usual, depth: 24, withGL: false, uid: 2_000_000 + UInt32(number.value),
                password: Secret("abcd1234"), key: Agent.key, synthetic: true))
    }

    /// Everything of that host that has a name and is a synthetic display's.
    private func traces(_ agent: Agent, _ numbers: [DisplayNumber]) -> [String] {
        numbers.filter { agent.exists($0) }.map { "folder \($0)" }
            + agent.processes("synthetic").map { "process \($0)" }
    }

    /// The host's privileged process, and its painter.
    private func processes(_ agent: Agent) throws -> (host: Int32, painter: Int32) {
        let found = agent.processes("synthetic").sorted()
        let painter = try #require(found.first { runningUser(of: $0) == 65534 })
        return (try #require(found.first { $0 != painter }), painter)
    }

    @Test("50 displays live in one process for root and one for nobody, are watched, answer keys, and leave nothing")
    func life() throws {
        let numbers = try (3201...3250).map { try DisplayNumber($0) }
        try withAgent { agent in
            for number in numbers { try agent.send(order(number)) }
            for _ in numbers { #expect(try agent.reply() == .displayReady) }
            for (index, number) in numbers.enumerated() {
                let session = UInt64(index + 1)
                #expect(try agent.start("exec xterm", on: number, session: session) == .applicationStarted)
            }
            let found = try processes(agent)
            #expect(agent.processes("synthetic").count == 2 && agent.processes("keep 3201").isEmpty)
            #expect(
                try agent.inventory()
                    == numbers.enumerated().map { index, number in
                        DisplayReport(
                            display: number, state: .used, session: SessionNumber(UInt64(index + 1)),
                            template: agent.hello?.template, key: Agent.key)
                    })
            #expect(runningUser(of: found.host) == 0)

            let viewers = try numbers.map { try Viewer(agent, $0) }
            for viewer in viewers {
                #expect(try viewer.update(of: viewer.whole, changes: false) == [viewer.whole])
            }
            // It moves by itself.
            for viewer in viewers {
                let moved = try viewer.update(of: viewer.whole, changes: true)
                #expect(moved.allSatisfy { $0.top >= 64 && $0.height == 64 })
            }
            let corner = DisplayClient.Rectangle(left: 0, top: 0, width: 64, height: 64)
            for viewer in viewers {
                try viewer.say([4, 1, 0, 0, 0, 0, 0, 97])
                #expect(try viewer.update(of: corner, changes: true) == [corner])
            }

            let account = try agent.account(numbers[7])
            #expect(account.session == SessionNumber(8) && account.wallSeconds > 0 && account.cpuSeconds == 0)
            expectFailure(try agent.ask(.screenshot(display: numbers[0])), .refused)
            #expect(
                try agent.ask(.message(display: numbers[0], key: Agent.key, text: "hello", seconds: 5)) == .done)

            for number in numbers { try agent.send(.endDisplay(display: number, key: Agent.key, patienceSeconds: 1)) }
            var ended: Set<SessionNumber> = []
            for _ in numbers {
                let end = try #require(expectEnded(try agent.reply()))
                #expect(end.key == Agent.key && end.status == nil && end.wallSeconds > 0)
                ended.formUnion([end.session].compactMap { $0 })
            }
            #expect(ended.count == 50)
            for viewer in viewers { #expect(throws: Agent.Gone.self) { while true { _ = try viewer.next() } } }
            #expect(numbers.allSatisfy { !agent.exists($0) })
            #expect(try agent.inventory() == [])
            // It ends when nobody has needed it for a while, and takes its socket with it.
            while !agent.processes("synthetic").isEmpty { usleep(100_000) }
            #expect(traces(agent, numbers) == [] && access(agent.run + "/synthetic.sock", F_OK) != 0)
            // The next one is started again.
            #expect(try agent.ask(order(numbers[0])) == .displayReady)
            expectEnded(try agent.end(numbers[0]))
        }
    }

    @Test(
        "the process that reads viewers' bytes is nobody, without a file, a network, a privilege or a call to gain one")
    func confinement() throws {
        let number = try DisplayNumber(3251)
        try withAgent { agent in
            #expect(try agent.ask(order(number)) == .displayReady)
            let painter = try processes(agent).painter
            let status = try #require(text(of: "/proc/\(painter)/status")).split(separator: "\n")
            for line in [
                "Uid:\t65534\t65534\t65534\t65534", "Gid:\t65534\t65534\t65534\t65534", "Groups:\t65534 ",
                "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000",
                "CapAmb:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2",
            ] { #expect(status.contains(Substring(line)), "\(line)") }
            #expect(names(in: "/proc/\(painter)/root") == [])
            #expect(Agent.namespaces(of: painter).contains { $0.hasPrefix("net:") })
            // Its input, the log twice, the packets, the epoll set: no display's lock, socket or folder.
            #expect(names(in: "/proc/\(painter)/fd").count == 5)
            #expect(names(in: agent.run).allSatisfy { !$0.hasPrefix(".nothing") })
            expectEnded(try agent.end(number))
        }
    }

    @Test("viewers with another key or password are refused, and one that sends nonsense is cut alone")
    func strangers() throws {
        let number = try DisplayNumber(3252)
        try withAgent { agent in
            #expect(try agent.ask(order(number)) == .displayReady)
            let guest = try Viewer(agent, number)
            #expect(try agent.data("RFB \(number) \(String(repeating: "0", count: 32))\n").hasPrefix("NO "))
            let wrong = try agent.connection("RFB \(number) \(Agent.key.exposed)\nRFB 003.008\n\u{2}0123456789abcdef")
            defer { close(wrong) }
            #expect(contents(from: wrong).map { String(decoding: $0, as: UTF8.self).hasSuffix("wrong") } == true)
            for nonsense in ["", "GET / HTTP/1.1\r\n\r\n", String(repeating: "x", count: 5000)] {
                let stranger = try agent.connection("RFB \(number) \(Agent.key.exposed)\n" + nonsense)
                if nonsense.isEmpty { shutdown(stranger, Int32(SHUT_RDWR)) } else { _ = contents(from: stranger) }
                close(stranger)
            }
            #expect(try guest.update(of: guest.whole, changes: false) == [guest.whole])
            expectFailure(try agent.ask(.account(display: number, key: Agent.key)), .displayUnknown)
            expectFailure(try agent.ask(order(number)), .displayBusy)
            expectEnded(try agent.end(number))
        }
    }

    @Test("a turn that somebody keeps costs a synthetic start, and the agent answers everything else")
    func keptTurn() throws {
        let number = try DisplayNumber(3264)
        try withAgent { agent in
            let turn = open(agent.run + "/locks/synthetic", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            #expect(flock(turn, LOCK_EX) == 0)
            expectFailure(try agent.ask(order(number)), .internalError)
            #expect(!agent.exists(number))
            close(turn)
            #expect(try agent.ask(order(number)) == .displayReady)
            let host = try processes(agent).host
            kill(host, SIGSTOP)
            try agent.send(order(DisplayNumber(3265)))
            #expect(try agent.ask(.ping) == .done)
            kill(host, SIGCONT)
            #expect(try agent.reply() == .displayReady)
            for number in [number, try DisplayNumber(3265)] { expectEnded(try agent.end(number)) }
        }
    }

    @Test("displays outlive serve, are found again, and a session's size and time are kept")
    func serveDies() throws {
        let number = try DisplayNumber(3253)
        try withAgent { agent in
            #expect(try agent.ask(order(number)) == .displayReady)
            let viewer = try Viewer(agent, number)
            #expect(try viewer.update(of: viewer.whole, changes: false) == [viewer.whole])
            var application = try agent.order("x", on: number, session: 7, geometry: Geometry("640x480"))
            application.limits.wallTime = 2
            #expect(try agent.ask(.startApplication(application)) == .applicationStarted)
            while viewer.client.width != 640 { _ = try viewer.update(of: viewer.whole, changes: true) }
            agent.stop(SIGKILL)
            try agent.start()
            #expect(agent.hello?.inventory.map(\.session) == [SessionNumber(7)])
            let exit = try agent.exit()
            #expect(exit.status == 129 && exit.wallSeconds >= 2 && exit.session == SessionNumber(7))
            #expect(try agent.account(number) == exit)
            #expect(expectEnded(try agent.end(number))?.wallSeconds == exit.wallSeconds)
        }
    }

    @Test(
        "when it is killed, either half of it, every display is told as died and nothing is left",
        arguments: [true, false])
    func killed(isPainter: Bool) throws {
        let numbers = try (3254...3263).map { try DisplayNumber($0) }
        try withAgent { agent in
            for number in numbers {
                #expect(try agent.ask(order(number)) == .displayReady)
                #expect(
                    try agent.start("x", on: number, session: UInt64(number.value)) == .applicationStarted)
            }
            let viewer = try Viewer(agent, numbers[3])
            let found = try processes(agent)
            kill(isPainter ? found.painter : found.host, SIGKILL)
            var died: Set<SessionNumber> = []
            for _ in numbers {
                guard case .displayDied(let end) = try agent.event() else {
                    Issue.record("a death was not told")
                    return
                }
                #expect(end.key == Agent.key && end.wallSeconds > 0 && end.cpuSeconds == 0)
                died.formUnion([end.session].compactMap { $0 })
            }
            #expect(died.count == numbers.count)
            #expect(throws: Agent.Gone.self) { while true { _ = try viewer.next() } }
            while !agent.processes("synthetic").isEmpty { usleep(2000) }
            #expect(traces(agent, numbers) == [] && numbers.allSatisfy { agent.traces(of: $0) == [] })
            #expect(try agent.inventory() == [])
            // The numbers are free, and another process stands in.
            #expect(try agent.ask(order(numbers[0])) == .displayReady)
            expectEnded(try agent.end(numbers[0]))
        }
    }
}
