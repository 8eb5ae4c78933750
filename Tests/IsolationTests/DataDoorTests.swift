import Glibc
import Testing

@testable import Isolation

@Suite("the host's data socket, full of who says nothing", .serialized)
struct DataDoorTests {
    /// Clock ticks (proc(5), utime and stime) that a process has computed.
    private func ticks(_ pid: Int32) throws -> Int {
        let words = try #require(text(of: "/proc/\(pid)/stat")).split(separator: " ")
        return try #require(Int(words[13])) + #require(Int(words[14]))
    }

    /// How often a process has gone to sleep by itself (proc(5), status): one that turns in a circle never does.
    private func sleeps(_ pid: Int32) throws -> Int {
        let name = "voluntary_ctxt_switches:"
        let line = text(of: "/proc/\(pid)/status")?.split(separator: "\n").first { $0.hasPrefix(name) }
        return try #require(line.flatMap { Int($0.dropFirst(name.count).filter(\.isNumber)) })
    }

    /// Fills the socket until its process holds `most` descriptors, does `body` while one who speaks waits, then lets the silent
    /// ones go: that one is answered.
    private func withSilent(_ most: Int, at agent: Agent, _ body: (Int32) throws -> Void) throws {
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
        try body(data)
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
            try withSilent(DataDoor.most, at: agent) { data in
                // It has time to take them all, and does not.
                usleep(500_000)
                #expect(names(in: "/proc/\(data)/fd").count < DataDoor.most + 20)
            }
        }
    }

    @Test("a process that is short of descriptors waits for one, and not in a circle")
    func descriptors() throws {
        let agent = try Agent(within: ["/usr/bin/prlimit", "--nofile=230:230"])
        defer { agent.tearDown() }
        try withSilent(230, at: agent) { data in
            // Half a second of a processor is much for waiting ten times, also on a slow one, and nothing for a circle.
            let (slept, computed) = (try sleeps(data), try ticks(data))
            while try sleeps(data) < slept + 10 { try #require(try ticks(data) < computed + 50) }
        }
    }
}
