import Foundation
import Testing

/// Attacks on what all sessions of a host share: its memory, processors, processes and files.
extension EndToEnd {
    @Test("a session that takes memory without end loses its own process, and nobody else theirs")
    func attackMemory() throws {
        try Victim.with { _ in
            let told = try Attack(name: "memory", yaml: "limits: {memory: 256M}").run()
            #expect(told["ended by"].number == -9)
        }
    }

    @Test("a fork bomb is bounded, others start meanwhile, and it ends with its session")
    func attackForkBomb() throws {
        try Victim.with { victims in
            let before = try Traces()
            try Attack(name: "fork_bomb", facts: ["seconds": 600], yaml: "limits: {processes: 100}").prepared {
                let number = try Gateway.start(app: $0)
                defer { _ = try? Gateway.maxwell("stop", number) }
                let place = try Gateway.sql("SELECT hostname, dispnum FROM mw_display WHERE sessnum = \(number)")
                    .joined()
                func count() throws -> Int {
                    try Gateway.hostParts().count { "\($0.host)\t\($0.display ?? 0)" == place }
                }
                try Gateway.eventually("it has grown") { try count() >= 90 }
                for victim in victims { try victim.expectUnharmed() }
                let began = ContinuousClock.now
                try Gateway.withSession(user: "bob") { _ in }
                #expect(ContinuousClock.now - began < .seconds(10))
                // The session's own, bubblewrap, the display server and what waits with them.
                #expect(try count() <= 110)
                let stopped = try Gateway.maxwell("stop", number)
                #expect(stopped.status == 0, "\(stopped.output)")
            }
            try before.expectNoMore()
        }
    }

    @Test("whoever fills every place there is fills what is their own to its limit")
    func attackFill() throws {
        try Victim.with { _ in
            let told = try Attack(
                name: "fill", facts: ["most": 512 << 20], yaml: "limits: {temporary: 64M, memory: 1G}"
            ).run()
            for (folder, outcome) in told.told.object {
                #expect(outcome.list.first?.number ?? .max <= 64, "\(folder): \(outcome)")
                #expect(
                    ["ENOSPC", "EACCES", "EROFS", "EPERM"].contains(outcome.list.last?.text), "\(folder): \(outcome)")
            }
        }
    }

    @Test("of 100,000 descriptors a process gets as many as its application may have")
    func attackDescriptors() throws {
        try Victim.with { _ in
            let told = try Attack(name: "descriptors", yaml: "limits: {files: 1024}").run()
            #expect(told["held"].number ?? .max < 1024 && told["reason"].text == "EMFILE")
        }
    }
}
