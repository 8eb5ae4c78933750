import Foundation
import Testing

extension EndToEnd {
    /// The processes of this machine that have `file` open.
    private func holders(of file: String) throws -> [pid_t] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }.filter { pid in
            // A process may end meanwhile.
            let descriptors = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd")) ?? []
            return descriptors.contains {
                (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\($0)")) == file
            }
        }
    }

    @Test("what the quick start starts keeps nothing open that its caller had open, and not its lock")
    func callersDescriptors() throws {
        let file = try Gateway.data.appendingPathComponent("caller-\(UUID().uuidString)").path
        #expect(FileManager.default.createFile(atPath: file, contents: Data()))
        defer { try? FileManager.default.removeItem(atPath: file) }
        let handle = try #require(FileHandle(forWritingAtPath: file))
        #expect(try holders(of: file) == [ProcessInfo.processInfo.processIdentifier])
        try handle.close()

        let quickstart = Gateway.checkout.appendingPathComponent("deploy/quickstart").path
        let daemons = ["maxwelld", "maxwell-web", "maxwell-relay"]
        let rounds = daemons.map { ["--restart", $0] } + [["--host", "exec2", "reboot"], []]
        let running = try Gateway.sql(
            "SELECT sessnum FROM mw_session WHERE state = 'running' AND hostname = 'exec2'"
        ).joined(separator: ",")
        for words in rounds {
            // Its output is a pipe of ours: were that kept open, this would not return.
            let answer = try Gateway.run(
                ["bash", "-c", "exec 9>>\"$1\" 100>>\"$1\"; shift; \"$@\"", "bash", file, quickstart] + words)
            #expect(answer.status == 0, "\(answer.output)")
            #expect(try holders(of: file).isEmpty, "\(words)")
            #expect(try holders(of: try Gateway.setting("MAXWELL_STATE") + "/lock").isEmpty, "\(words)")
        }
        for name in daemons + ["mariadb", "slapd", "exec1", "exec2"] {
            #expect(kill(try Gateway.process(name), 0) == 0, "\(name)")
        }
        try Gateway.awaitHosts()
        // What ran on the host that was booted anew ends after a second look at it: the tests that follow find it ended.
        try Gateway.eventually("what ran on the host has ended") {
            try Gateway.sql(
                "SELECT 1 FROM mw_session WHERE state IN ('running', 'ending') AND FIND_IN_SET(sessnum, '\(running)')"
            ).isEmpty
        }
    }
}
