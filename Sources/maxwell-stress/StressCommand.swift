import ArgumentParser
import SessionModel
import Stress

/// `maxwell stress`.
struct StressCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "maxwell stress",
        abstract: "Puts a gateway under load, and tells what it can bear and what gives first.",
        discussion: """
            Sessions are really started and viewers really look, through the same doors as everyone's. Root may, and members of \
            controller.stress_group. Everything that was started is ended, after Ctrl-C too.

            TIME is written 500ms, 90s, 10m, 2h or 1d. WEIGHTS are names in proportion: 'a,b:3' is one a for three b.
            """, version: maxwellVersion)

    @Option(help: ArgumentHelp("A run of a known shape: class, day or storm.", valueName: "name"))
    var profile: String?
    @Option(help: ArgumentHelp("Sessions to start (100; 1000 for day and storm).", valueName: "n"))
    var sessions: String?
    @Option(help: ArgumentHelp("How fast: 50/s, 600/min, 3000/h (10/s; 50/s for storm).", valueName: "rate"))
    var rate: String?
    @Option(help: ArgumentHelp("Start this many at the same instant instead.", valueName: "n"))
    var burst: String?
    @Option(help: ArgumentHelp("How long a session stays (60s).", valueName: "time"))
    var hold: String?
    @Option(help: ArgumentHelp("How long a day takes (30m); with --profile day.", valueName: "time"))
    var length: String?
    @Option(help: ArgumentHelp("The applications (xterm).", valueName: "weights"))
    var apps: String?
    @Option(help: ArgumentHelp("Viewers of a session, on average (1).", valueName: "number"))
    var viewers: String?
    @Option(help: ArgumentHelp("How they come: websocket, connect, native.", valueName: "weights"))
    var ways: String?
    @Option(
        help: ArgumentHelp(
            "What they do: watcher, typist, slow, vanishing, flapping, hostile.", valueName: "weights"))
    var behaviours: String?
    @Option(help: ArgumentHelp("What every choice is drawn from (1): the same seed, the same run.", valueName: "n"))
    var seed: String?
    @Flag(help: "Displays without Xvnc and application, one small process a host, so that many fit.")
    var synthetic = false
    @Option(help: ArgumentHelp("How sessions are asked for: socket, or cli as a portal does.", valueName: "way"))
    var via: String?
    @Option(help: ArgumentHelp("Faults on purpose; on a quick start only. See maxwell-stress(8).", valueName: "spec"))
    var faults: String?
    @Option(help: "The relay's host, if not the one 'maxwell view' tells.")
    var host: String?
    @Option(help: "The relay's port, if not the one 'maxwell view' tells.")
    var port: Int?
    @Option(help: "The authority of the relay's certificate (PEM), if not $MAXWELL_CA or the system's.")
    var ca: String?

    @Option(
        help: ArgumentHelp(
            "Something the run must have, such as 'start.p99<=500ms' or 'failures=0'; may be repeated. Missed: status 1.",
            valueName: "name<=value"))
    var require: [String] = []
    @Option(help: ArgumentHelp("Write the result to this file as JSON.", valueName: "file"))
    var json: String?
    @Option(help: ArgumentHelp("Write the result to this file as one page with curves.", valueName: "file"))
    var html: String?

    @Flag(help: "Print what would be done, and do nothing.")
    var dryRun = false
    @Flag(help: "Remove what runs left: their sessions, their rows in all tables, and faults that were not mended.")
    var clean = false
    @Option(
        help: ArgumentHelp("Print the report of a result that --json wrote; with --html its page.", valueName: "file"))
    var show: String?
    @Option(
        parsing: .upToNextOption, help: ArgumentHelp("Print what changed from one result to another.", valueName: "a b")
    )
    var compare: [String] = []

    func run() throws {
        do {
            try SoleTask(self).carryOut()
        } catch let error as any UserFacingError {
            complain(error)
            throw ExitCode(error.exitStatus.rawValue)
        }
    }

    /// The words that decide the plan.
    var words: StressWords {
        var words = StressWords()
        words.profile = profile
        words.sessions = sessions
        words.rate = rate
        words.burst = burst
        words.hold = hold
        words.length = length
        words.apps = apps
        words.viewers = viewers
        words.ways = ways
        words.behaviours = behaviours
        words.seed = seed
        words.via = via
        words.faults = faults
        words.isSynthetic = synthetic
        return words
    }
}
