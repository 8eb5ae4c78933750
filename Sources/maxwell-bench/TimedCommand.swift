import ChildPrograms
import SessionModel

/// A program run to its end: what it printed, and how long that took from spawn to exit.
struct TimedCommand {
    /// Standard output and standard error in one, as the portal merges them.
    let output: String
    /// 0, or what went wrong: the program's own status, 128 and the signal that ended it, or ``ExitStatus/osFile``
    /// when it could not be started.
    let status: Int32
    /// The moment before it was spawned.
    let began: ContinuousClock.Instant
    /// Nothing when it could not be started.
    let duration: Duration

    /// The moment when it had ended.
    var ended: ContinuousClock.Instant { began + duration }
    /// Its first line, which tells the reason when it failed.
    var sentence: String { output.split(separator: "\n").first.map(String.init) ?? "no reason given" }

    /// Runs the program at `path` with `arguments`.
    static func run(_ path: String, _ arguments: [String]) -> TimedCommand {
        let alone = StartedCommand(path, arguments)
        _ = alone.program?.wait()
        return alone.result
    }

    /// Runs the program at `path` once for each of `arguments`, at most `limit` of them at the same time; the results
    /// are in the same order.
    static func all(_ path: String, _ arguments: [[String]], atMost limit: Int) -> [TimedCommand] {
        var commands: [StartedCommand] = []
        var running: [ChildProgram] = []
        while commands.count < arguments.count || !running.isEmpty {
            while commands.count < arguments.count, running.count < limit {
                let command = StartedCommand(path, arguments[commands.count])
                commands.append(command)
                if let program = command.program { running.append(program) }
            }
            if !running.isEmpty { ChildProgram.listen(to: running) }
            running.removeAll { $0.ending != nil }
        }
        return commands.map(\.result)
    }
}

/// A program since its spawn.
private struct StartedCommand {
    /// nil when it could not be started.
    let program: ChildProgram?
    private let path: String
    private let began: ContinuousClock.Instant

    init(_ path: String, _ arguments: [String]) {
        began = ContinuousClock.now
        self.path = path
        program = try? ChildProgram([path] + arguments)
    }

    /// What became of it; one that was started has ended.
    var result: TimedCommand {
        guard let program, let ending = program.ending else {
            return TimedCommand(
                output: "\(path) cannot be started; please install it beside maxwell-bench.",
                status: ExitStatus.osFile.rawValue, began: began, duration: .zero)
        }
        return TimedCommand(
            output: String(decoding: program.output, as: UTF8.self), status: ending.status, began: began,
            duration: ending.moment - began)
    }
}
