import ArgumentParser
import ControlProtocol
import ControlSocket
import Glibc
import SessionModel
import Stress
import StressLoad

/// What one command line asks for: a comparison, an old report, a cleaning, a plan, or a run.
struct SoleTask {
    private let command: StressCommand

    init(_ command: StressCommand) { self.command = command }

    func carryOut() throws {
        guard [!command.compare.isEmpty, command.show != nil, command.clean, command.dryRun].count(where: \.self) <= 1
        else {
            throw Refusal("--compare, --show, --clean and --dry-run are for one at a time.", .usage)
        }
        guard command.require.isEmpty || command.compare.isEmpty && command.show == nil && !command.clean else {
            throw Refusal("--require is for a run; leave it out here.", .usage)
        }
        if !command.compare.isEmpty { return try compare() }
        if let file = command.show { return try report(try read(file)) }
        if command.clean { return try clean() }
        let requirements = try command.require.map { text throws(Refusal) in try Requirement(text) }
        guard (1...65535).contains(command.port ?? 1) else {
            throw Refusal("--port takes a number from 1 to 65535.", .usage)
        }
        let options = try StressOptions(command.words)
        if command.dryRun { return print(StressPlan(options).summary(options), terminator: "") }
        try run(options, requirements)
    }

    private func compare() throws(Refusal) {
        guard command.compare.count == 2 else {
            throw Refusal(
                "--compare takes two files that --json wrote: 'maxwell stress --compare A.json B.json'.", .usage)
        }
        print(Comparison(try read(command.compare[0]), try read(command.compare[1])).text, terminator: "")
    }

    /// Tells what was removed and, on standard error, what is left; only what is a run's makes it a failure.
    private func clean() throws {
        let (told, left) = try cleanGateway()
        print(told)
        fflush(nil)
        for thing in left.prefix(20) { Terminal.say("Left: \(thing.text).\n") }
        guard !left.contains(where: \.isOfARun) else {
            throw Refusal("Not everything could be removed; please try again when all hosts answer.", .tryAgain)
        }
    }

    private func run(_ options: StressOptions, _ requirements: [Requirement]) throws {
        // Before anything starts: a run whose result cannot be kept is lost.
        for file in [command.json, command.html].compactMap(\.self) { try ResultFile.make(file) }
        try Interruption.listen()
        // Before anything is looked at, or mended: that may be another run's.
        try SoleRun.begin(at: ControlPath.standard())
        let field = try openField(command, options)
        Interruption.call { field.stop() }
        let course = StressCourse(
            options, requirements: requirements, words: Array(CommandLine.arguments.dropFirst()), began: universalTime()
        )
        let outcome = try course.carryOut(
            on: field, live: Terminal.style, isStopped: { Interruption.hasCome }, say: Terminal.say)
        try tellMissing(options, outcome.result)
        try report(outcome.result)
        if let error = outcome.error { throw error }
        // As shells tell of a command that was ended by a signal.
        if Interruption.hasCome { throw ExitCode(128 + SIGINT) }
        for verdict in outcome.result.verdicts where !verdict.isMet {
            Terminal.say("Missed: \(verdict.requirement), measured: \(verdict.measured).\n")
        }
        if !outcome.result.isGood { throw ExitCode(1) }
    }

    /// Says so where fewer faults happened than the schedule has.
    private func tellMissing(_ options: StressOptions, _ result: StressResult) throws(FaultSpecError) {
        guard let words = options.faults else { return }
        let schedule = FaultSchedule(try FaultSpec(words), during: StressPlan(options), seed: options.seed)
        let (planned, happened) = (schedule.entries.count, result.faults.count)
        guard happened < planned else { return }
        Terminal.say(
            "Of \(planned) faults \(happened) happened: the others had nothing to break, failed, or came too late.\n")
    }

    /// Prints the report, and writes the files that were asked for.
    private func report(_ result: StressResult) throws(Refusal) {
        print(result.text, terminator: "")
        fflush(nil)
        if let file = command.json { try ResultFile.write(try result.json(), to: file) }
        if let file = command.html { try ResultFile.write(ReportPage(result).markup, to: file) }
    }

    private func read(_ file: String) throws(Refusal) -> StressResult {
        try StressResult(json: try ResultFile.read(file), name: file)
    }
}
