/// What an application's session may use of its host: everything of the user's in its display together, unless said
/// otherwise. 0 is no limit.
public struct ResourceLimits: Hashable, Codable, Sendable {
    /// MiB of memory, swap and the files in the session's `/tmp` and `/dev/shm` included, 0–16,777,216.
    public var memory: Int
    /// Processor cores at most, in hundredths: 150 is one and a half, 0–1,000,000.
    public var cpu: Int
    /// The part of a busy host's processors in proportion to the other sessions' shares, 1–10,000.
    public var cpuShare: Int
    /// Processes and threads, 0–1,000,000.
    public var processes: Int
    /// Open files of each process, 64–1,048,576.
    public var files: Int
    /// MiB in `/tmp`, and as much in `/dev/shm`, 1–16,777,216.
    public var temporary: Int
    /// Seconds from the application's start after which it is ended.
    public var wallTime: Int

    /// What an application gets that asks for nothing, unless the settings say otherwise.
    public static let standard = ResourceLimits()

    /// Limits, each the standard's unless given.
    public init(
        memory: Int = 4096, cpu: Int = 0, cpuShare: Int = 100, processes: Int = 1000, files: Int = 8192,
        temporary: Int = 1024, wallTime: Int = 0
    ) {
        self.memory = memory
        self.cpu = cpu
        self.cpuShare = cpuShare
        self.processes = processes
        self.files = files
        self.temporary = temporary
        self.wallTime = wallTime
    }

    /// Whether every value is in its range: a host asks before it believes an order.
    public var isValid: Bool {
        (0...16_777_216).contains(memory) && (0...1_000_000).contains(cpu) && (1...10_000).contains(cpuShare)
            && (0...1_000_000).contains(processes) && (64...1_048_576).contains(files)
            && (1...16_777_216).contains(temporary) && (0...315_360_000).contains(wallTime)
    }
}
