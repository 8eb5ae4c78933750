import FoundationEssentials
import Glibc

/// Everything, in turns: each repetition runs every test with every contestant.
struct Bench {
    private let arguments: Arguments
    private let contestants: [Contestant]
    private let tests: [Test]

    init(_ arguments: Arguments) throws {
        self.arguments = arguments
        let lines = try String(contentsOfFile: arguments.contestants, encoding: .utf8).split(separator: "\n")
        let only = arguments.names(arguments.only)
        contestants = try lines.map { line throws(BenchError) in try Contestant(line) }
            .filter { only.isEmpty || only.contains($0.name) }
        let named = arguments.names(arguments.tests)
        tests = Test.allCases.filter { named.isEmpty || named.contains($0.rawValue) }
    }

    func run() throws {
        let engine = try Engine(back: arguments.back, rfb: arguments.rfb)
        var servers: [[String]: Server] = [:]
        defer { for server in servers.values { server.stop() } }
        for one in contestants where servers[one.command] == nil {
            servers[one.command] = try Server(
                one.command, core: arguments.core, port: one.port, log: "\(arguments.log)/\(one.name).log")
        }
        var results = Results()
        for repetition in 0..<(arguments.quick ? 1 : arguments.repetitions) {
            for test in tests where repetition == 0 || ![.verify, .idle].contains(test) {
                for _ in 0..<turns(test) {
                    for one in contestants where applies(test, one) {
                        guard let server = servers[one.command] else { continue }
                        do {
                            let figures = try Measure(
                                engine: engine, contestant: one, server: server, isQuick: arguments.quick
                            ).run(test)
                            results.add(one.name, test, figures)
                            complain("\(repetition + 1) \(test.rawValue) \(one.name): \(Results.line(figures))")
                        } catch {
                            complain("\(error)")
                            results.faults.append("\(error)")
                            engine.abandon()
                            try server.restart(one.port)
                        }
                    }
                }
            }
        }
        print(results.tables(arguments))
        if let path = arguments.json {
            try results.json(arguments).write(to: URL(filePath: path))
        }
        guard results.faults.isEmpty else { throw BenchError("not everything was measured") }
    }

    /// Handshakes vary most from run to run, and bulk after them.
    private func turns(_ test: Test) -> Int {
        switch test {
        case .full, .resumed: arguments.quick ? 1 : 4
        case .bulk1, .bulk16: arguments.quick ? 1 : 2
        default: 1
        }
    }

    /// What it is to read RFB shows where messages are small or many; the rest of it is the same relay.
    private func applies(_ test: Test, _ one: Contestant) -> Bool {
        switch (one.way, test) {
        case (.connectRFB, _): [.verify, .mix, .echo].contains(test)
        // Each of its viewers has a process, whose sessions nobody else knows.
        case (_, .resumed): one.name != "websockify"
        default: true
        }
    }
}
