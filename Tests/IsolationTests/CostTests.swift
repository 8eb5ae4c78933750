import Glibc
import HostProtocol
import SessionModel
import Testing

@testable import Isolation

@Suite("what a display takes of its host", .serialized)
struct CostTests {
    /// Displays of a host that have the pages of their programs' files together, whatever runs beside this test.
    private static let together = 10

    /// What proc(5) says of a process's memory in kB: `smaps_rollup` and `status`.
    private func figures(_ pid: Int32) throws -> [String: Int] {
        var found: [String: Int] = [:]
        for file in ["smaps_rollup", "status"] {
            for line in try #require(text(of: "/proc/\(pid)/\(file)")).split(separator: "\n") {
                let words = line.split { $0 == ":" || $0 == " " || $0 == "\t" }
                if words.count == 3, words[2] == "kB" { found[String(words[0])] = Int(words[1]) }
            }
        }
        return found
    }

    /// The sum of some figures of some processes.
    private func sum(_ names: String..., of processes: [Int32]) throws -> Int {
        var sum = 0
        for pid in processes {
            let figures = try self.figures(pid)
            for name in names { sum += try #require(figures[name]) }
        }
        return sum
    }

    // Of 12 MiB, the pages of the keeper's program are about 1 in a release. What runs here may be built for debugging,
    // where they are more: they are printed, and everything else must do with the other 11.
    @Test("a waiting display without GLX takes 11 MiB at most, and the pages of its keeper's program")
    func waiting() throws {
        try withAgent { agent in
            let number = try DisplayNumber(3291)
            try #require(try agent.make(number, waits: true) == .displayReady)
            // The keeper, and the child that waits for the application.
            let keepers = agent.processes("keep \(number)")
            #expect(keepers.count == 2)
            let servers = agent.serverProcesses(of: number).filter { !keepers.contains($0) }
            #expect(servers.compactMap { text(of: "/proc/\($0)/comm") }.sorted() == ["Xvnc\n", "bwrap\n", "bwrap\n"])
            let server =
                try sum("Pss_Anon", "Pss_Shmem", of: servers) + sum("RssFile", of: servers) / Self.together
            let keeper = try sum("Pss_Anon", of: keepers)
            let program = try sum("RssFile", "RssShmem", of: keepers) / Self.together
            print("a waiting display: Xvnc and bubblewrap \(server) kB, keeper \(keeper) kB, its program \(program) kB")
            #expect(server + keeper <= 11 << 10, "\(server) kB and \(keeper) kB")
            expectEnded(try agent.end(number))
            #expect(agent.traces(of: number) == [])
        }
    }
}
