import Glibc
import SessionModel
import Testing

@testable import Isolation

@Suite("the host's data socket, full of who says nothing", .serialized)
struct DataDoorTests {
    /// How often a process has gone to sleep by itself (proc(5), status): one that turns in a circle never does.
    private func sleeps(_ pid: Int32) throws -> Int {
        let name = "voluntary_ctxt_switches:"
        let line = text(of: "/proc/\(pid)/status")?.split(separator: "\n").first { $0.hasPrefix(name) }
        return try #require(line.flatMap { Int($0.dropFirst(name.count).filter(\.isNumber)) })
    }

    /// Whether the other end has said something, or closed.
    private func hasEnded(_ fd: Int32) -> Bool {
        var byte: UInt8 = 0
        return recv(fd, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) >= 0
    }

    /// Fills the socket until its process holds `most` descriptors, does `body` with that process and the first connection while
    /// one who speaks waits, then lets the silent ones go: that one is answered.
    private func withSilent(_ most: Int, at agent: Agent, _ body: (_ data: pid_t, _ first: Int32) throws -> Void) throws
    {
        #expect(try agent.data("PING\n") == "OK\n")
        let data = try #require(agent.processes("data").first)
        var silent: [Int32] = []
        defer { for fd in silent { close(fd) } }
        // It stands while they come, so that it has them all at once, on however slow a machine: each may be silent for 5 s.
        kill(data, SIGSTOP)
        defer { kill(data, SIGCONT) }
        for _ in 0..<400 { silent.append(try agent.connection("")) }
        kill(data, SIGCONT)
        let end = ContinuousClock.now + .seconds(120)
        while names(in: "/proc/\(data)/fd").count < most { try #require(ContinuousClock.now < end) }
        let speaker = try agent.connection("PING\n")
        defer { close(speaker) }
        try body(data, silent[0])
        for fd in silent { close(fd) }
        silent = []
        var answer = [UInt8](repeating: 0, count: 10)
        let count = read(speaker, &answer, answer.count)
        #expect(String(decoding: answer.prefix(max(0, count)), as: UTF8.self) == "OK\n")
        #expect(agent.processes("data") == [data])
    }

    @Test("no more than a few hundred are read at a time, and whoever comes then is served after them")
    func many() throws {
        try withAgent { agent in
            try withSilent(DataDoor.most, at: agent) { data, _ in
                // It has time to take them all, and does not.
                usleep(500_000)
                #expect(names(in: "/proc/\(data)/fd").count < DataDoor.most + 20)
            }
        }
    }

    @Test("viewers who come at one moment are all served, however busy their display's keeper is")
    func busyKeeper() throws {
        // In a network namespace of its own a keeper's socket has room for ten, also where the machine gives more (unix(7)).
        let agent = try Agent(within: ["/usr/bin/unshare", "--net"])
        defer { agent.tearDown() }
        let number = try DisplayNumber(3142)
        try #require(try agent.make(number) == .displayReady)
        let keeper = try #require(agent.processes("keep \(number)").first)
        let data = try #require(agent.processes("data").first)
        kill(keeper, SIGSTOP)
        defer { kill(keeper, SIGCONT) }
        var viewers: [Int32] = []
        defer { for fd in viewers { close(fd) } }
        for _ in 0..<30 { viewers.append(try agent.connection("RFB \(number) \(Agent.key.exposed)\n")) }
        // Those that the keeper's socket has no room for stay with the process.
        let end = ContinuousClock.now + .seconds(60)
        while names(in: "/proc/\(data)/fd").count < 15 { try #require(ContinuousClock.now < end) }
        kill(keeper, SIGCONT)
        for viewer in viewers {
            var answer = [UInt8](repeating: 0, count: 3)
            #expect(recv(viewer, &answer, 3, Int32(MSG_WAITALL)) == 3)
            #expect(String(decoding: answer, as: UTF8.self) == "OK\n")
        }
        #expect(try agent.data("PING\n") == "OK\n")
        expectEnded(try agent.end(number))
    }

    @Test("a process that is short of descriptors waits for one, and not in a circle")
    func descriptors() throws {
        let agent = try Agent(within: ["/usr/bin/prlimit", "--nofile=230:230"])
        defer { agent.tearDown() }
        try withSilent(230, at: agent) { data, first in
            // It waits twenty times a second, and the first that is silent is ended after five. In a circle it does not wait.
            let slept = try sleeps(data)
            while try sleeps(data) < slept + 10 { try #require(!hasEnded(first)) }
        }
    }
}
