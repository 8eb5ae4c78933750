/// One look at the gateway while a run goes on.
public struct Sample: Codable, Equatable, Sendable {
    /// Seconds since the run began.
    public var at: Double
    /// By name: "controller", "relay", "web", "database", "agent exec1", …
    public var parts: [String: Part]
    /// By name.
    public var hosts: [String: Host]
    /// As `maxwell counters` has them.
    public var counters: [String: UInt64]
    /// How many sessions of stress users there are in which state.
    public var states: [String: Int]

    /// A look with everything it saw.
    public init(
        at: Double, parts: [String: Part] = [:], hosts: [String: Host] = [:], counters: [String: UInt64] = [:],
        states: [String: Int] = [:]
    ) {
        self.at = at
        self.parts = parts
        self.hosts = hosts
        self.counters = counters
        self.states = states
    }

    /// The processes of one part of the gateway; only seen on the machine they run on.
    public struct Part: Codable, Equatable, Sendable {
        public var processes: Int
        /// Seconds of processor time since they began (proc(5), utime and stime).
        public var cpu: Double
        /// Proportional share, in KiB (proc(5), smaps_rollup); nil as for the descriptors, where whoever runs this is not shown
        /// those of others' processes.
        public var memory: Int?
        public var descriptors: Int?
        /// When its eldest process began, in clock ticks since the machine did: another one is another life.
        public var since: UInt64

        /// A part with its figures.
        public init(processes: Int, cpu: Double, memory: Int?, descriptors: Int?, since: UInt64 = 0) {
            self.processes = processes
            self.cpu = cpu
            self.memory = memory
            self.descriptors = descriptors
            self.since = since
        }
    }

    /// An execution host, as `maxwell hosts` has it.
    public struct Host: Codable, Equatable, Sendable {
        /// MiB that programs can still get.
        public var memoryAvailable: Int
        public var load: Double
        /// Displays that wait for a session, and those that have one.
        public var ready: Int
        public var used: Int

        /// A host with its figures.
        public init(memoryAvailable: Int, load: Double, ready: Int, used: Int) {
            self.memoryAvailable = memoryAvailable
            self.load = load
            self.ready = ready
            self.used = used
        }
    }
}
