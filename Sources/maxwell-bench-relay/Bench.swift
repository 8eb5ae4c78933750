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
        var results = Results(contestants.map(\.name))
        var shuffle = Shuffle()
        for repetition in 0..<(arguments.quick ? 1 : arguments.repetitions) {
            for test in tests where repetition == 0 || test != .verify {
                for turn in 0..<turns(test) {
                    let round = repetition * turns(test) + turn
                    for one in shuffle.order(contestants) where applies(test, one, turn: turn) {
                        guard let server = servers[one.command] else { continue }
                        do {
                            let figures = try Measure(
                                engine: engine, contestant: one, server: server, isQuick: arguments.quick
                            ).run(test)
                            results.add(one.name, test, figures, round: round)
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

    /// Where the peers are near, more is needed to tell who is ahead.
    private func turns(_ test: Test) -> Int {
        switch test {
        case .verify, .idle: 1
        case .bulk1, .bulk16: arguments.quick ? 1 : 2
        case .mix, .echo, .full, .resumed: arguments.quick ? 1 : 3
        }
    }

    /// What it is to read RFB shows where messages are small or many; the rest of it is the same relay.
    private func applies(_ test: Test, _ one: Contestant, turn: Int) -> Bool {
        switch (one.way, test) {
        case (.connectRFB, _): return [.verify, .mix, .echo].contains(test)
        // Each of its viewers has a process, whose sessions nobody else knows; and one round of it is enough, far
        // behind everyone and slow as it is.
        case (_, .resumed): return one.name != "websockify"
        default: return one.name != "websockify" || turn == 0
        }
    }
}

/// An order that is another one each time, and the same in every run: what one contestant leaves behind, in the caches
/// and in the kernel, meets all others.
private struct Shuffle: RandomNumberGenerator {
    private var state: UInt64 = 1

    mutating func order(_ contestants: [Contestant]) -> [Contestant] { contestants.shuffled(using: &self) }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
