/// What a run came to: everything a report tells, and what `--json` keeps.
public struct StressResult: Codable, Equatable, Sendable {
    /// Which keys there are; another number when a key means something else.
    public static let currentFormat = 1

    public var format = Self.currentFormat
    public var head: Head
    public var options: StressOptions
    /// How long the run took, in seconds, and whether it was ended before its plan was carried out.
    public var seconds: Double
    public var wasStoppedEarly: Bool
    public var counts: RunCounts
    /// By the name of what was timed, ``Timed``.
    public var latencies: [String: LatencyFigures]
    public var failures: [FailureClass]
    public var rates: Rates
    public var parts: [String: Part]
    public var hosts: [String: Host]
    public var counters: Counters
    /// What the gateway's ledger says of the run's views; nil: it was not looked at.
    public var ledger: LedgerFigures?
    /// What the run left behind, a line each; nil: it was not looked at.
    public var leftovers: [String]?
    public var faults: [Fault]
    /// When all viewers were cut, in seconds since the run began.
    public var storms: [Double]
    public var verdicts: [Verdict]
    /// What a run of this kind does not show.
    public var caveats: [String]
    public var curves: Curves

    /// Where and when a run was.
    public struct Head: Codable, Equatable, Sendable {
        /// The release of the program that made the report.
        public var release: String
        /// What the gateway is called.
        public var gateway: String
        /// When the run began: `2026-11-21 21:40 UTC`.
        public var began: String
        /// The command line's words after `maxwell stress`.
        public var words: [String]

        /// A head with everything in it.
        public init(release: String, gateway: String, began: String, words: [String]) {
            self.release = release
            self.gateway = gateway
            self.began = began
            self.words = words
        }
    }

    /// Failures that have a cause in common.
    public struct FailureClass: Codable, Equatable, Sendable {
        public var kind: String
        public var count: Int
        /// The first one's own words, and when it was.
        public var example: String
        public var at: Double

        /// Whether no fault excuses it: a session that ended although nobody ended it, one that meant harm and was served,
        /// a fault that could not be done, mended or healed.
        public var isWrong: Bool { ["session: ", "hostile: ", "fault: "].contains { kind.hasPrefix($0) } }
    }

    /// How much there was in a second.
    public struct Rates: Codable, Equatable, Sendable {
        /// Sessions started, from the first word to the last answer.
        public var starts: Double
        /// In the best second.
        public var startsMost: Int
        /// Seconds from the first start's word to the last one's answer; nil: none was answered.
        public var up: Double?
        /// Updates of the picture that all viewers got, and their bytes.
        public var updates: Int
        public var bytes: Int
        /// Updates for each second that a viewer watched.
        public var updatesPerViewer: Double
    }

    /// What the processes of one part of the gateway used; memory in KiB, processor time in seconds and in processors.
    /// Memory and descriptors are nil where whoever ran it may not see those of others' processes.
    public struct Part: Codable, Equatable, Sendable {
        public var processes: Int
        public var cpu: Double
        public var cpuMean: Double
        public var cpuMost: Double
        public var memoryFirst: Int?
        public var memoryLast: Int?
        public var memoryMost: Int?
        /// By which share the memory in the last minute of a process is above that in its sixth, in the longest life that the
        /// run saw; nil: none was as long as seven.
        public var memoryGrowth: Double?
        public var descriptorsFirst: Int?
        public var descriptorsLast: Int?
        public var descriptorsMost: Int?
        /// Processor seconds for each session that was started, and KiB for each of the most that were up at a time.
        public var cpuPerSession: Double?
        public var memoryPerSession: Double?
    }

    /// How an execution host fared; memory in MiB that programs could still get.
    public struct Host: Codable, Equatable, Sendable {
        public var sessionsMost: Int
        public var readyFirst: Int
        public var readyLeast: Int
        public var memoryFirst: Int
        public var memoryLeast: Int
        public var memoryLast: Int
        public var loadMost: Double
        /// KiB that each of the most sessions took.
        public var memoryPerSession: Double?
    }

    /// What the controller counted meanwhile.
    public struct Counters: Codable, Equatable, Sendable {
        /// Statements sent to the database for each session that was started: all of the gateway's, from first to last.
        public var statementsPerStart: Double?
        /// Starts on a display that waited, and on one that was made for them.
        public var poolHits: UInt64?
        public var poolMisses: UInt64?
        /// By how much each counter grew.
        public var all: [String: UInt64]
    }

    /// A fault on purpose.
    public struct Fault: Codable, Equatable, Sendable {
        public var name: String
        public var at: Double
        /// Seconds until all was well again; nil: it was not, as far as the run saw.
        public var healed: Double?
    }

    /// What came of a requirement.
    public struct Verdict: Codable, Equatable, Sendable {
        /// As it was asked for.
        public var requirement: String
        /// What the run had; "not measured" where it had nothing of the kind.
        public var measured: String
        public var isMet: Bool
    }

    /// Whether nothing that was required was missed.
    public var isGood: Bool { verdicts.allSatisfy(\.isMet) }
}

/// What the gateway's ledger says of the views that a run had.
public struct LedgerFigures: Codable, Equatable, Sendable {
    /// Views that the run's viewers had.
    public var views: Int
    /// Rows that the ledger has of them.
    public var rows: Int
    /// Views without a row or with one that is wrong, and rows without a view.
    public var mismatches: Int
    /// A line each of the first of them.
    public var examples: [String]

    /// Figures of a ledger that was looked at.
    public init(views: Int, rows: Int, mismatches: Int, examples: [String]) {
        self.views = views
        self.rows = rows
        self.mismatches = mismatches
        self.examples = examples
    }
}
