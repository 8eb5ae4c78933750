import CLinux
import ControlSocket
import Glibc
import SessionModel
import Stress
import Synchronization

/// Puts a plan's load on a gateway: viewers in one loop on the calling thread, words on threads of their own.
///
/// `@unchecked Sendable`: ``stop()`` touches `isStopped` and a descriptor alone; the rest belongs to who calls ``run(_:tell:)``.
public final class Load: StressRun, @unchecked Sendable {
    /// How words reach the gateway.
    public enum Via: Equatable, Sendable {
        /// The control socket at this path.
        case socket(String)
        /// The `maxwell` at this path.
        case command(String)
    }

    /// What a run goes by besides its plan.
    public struct Options: Sendable {
        public var via: Via
        /// The control socket that samples are asked on.
        public var socket: String
        /// A PEM file with the authority of the gateway's certificate; nil: anyone is trusted.
        public var authority: String?
        /// Where the relay is, where that is not what the gateway tells viewers.
        public var relay: (host: String, port: Int)?
        /// Starts under way at a time, and other words.
        public var startsAtOnce = 200
        public var othersAtOnce = 64
        /// Seconds between samples; nil: none are taken.
        public var samplePause: Double? = 1
        /// Where a synthetic display shows what is typed: its other pictures move elsewhere.
        public var echo = (x: 0, y: 0, width: 32, height: 32)

        var echoArea: DisplayMessages.Area { .init(x: echo.x, y: echo.y, width: echo.width, height: echo.height) }

        /// A run by the control socket at `socket`.
        public init(socket: String = ControlPath.standard()) {
            via = .socket(socket)
            self.socket = socket
        }
    }

    /// The most descriptors that this process may have were raised to what the machine allows.
    private static let descriptorsRaised: Void = {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }()

    private let options: Options
    private let isStopped = Atomic<Bool>(false)
    private let waker: Int32
    /// Every view of the last run, for a ``LedgerCheck``.
    public private(set) var seen: [SeenView] = []
    /// The sessions that the last run started.
    public private(set) var sessionNumbers: Set<UInt64> = []

    private let engine: Engine
    private let words: any GatewayWords

    /// A load that goes by `options`.
    public convenience init(_ options: Options) throws(LoadError) {
        switch options.via {
        case .socket(let path): try self.init(options, words: SocketWords(path: path, relay: options.relay))
        case .command(let program): try self.init(options, words: CommandWords(program: program, relay: options.relay))
        }
    }

    /// A load whose words are said by `words`.
    init(_ options: Options, words: any GatewayWords) throws(LoadError) {
        Self.descriptorsRaised
        self.options = options
        self.words = words
        engine = try Engine(authority: options.authority)
        waker = engine.waker
    }

    public func run(_ plan: StressPlan, tell: @escaping (Observation) -> Void) throws {
        let run = Run(plan, engine, words, options, tell: tell)
        let sampler = try options.samplePause.map { pause throws(LoadError) in
            try Sampler(socket: options.socket, pause: pause, waker: waker)
        }
        for sample in sampler?.first(unless: { isStopped.load(ordering: .acquiring) }) ?? [] { tell(.sampled(sample)) }
        engine.restart()
        defer {
            sampler?.stop()
            run.close()
            seen = run.seen
            sessionNumbers = run.numbers
        }
        run.begin()
        var goesOn = !plan.sessions.isEmpty
        while goesOn {
            goesOn = run.turn()
            for sample in sampler?.samples() ?? [] { tell(.sampled(sample)) }
            if isStopped.load(ordering: .acquiring) { run.stop() }
        }
        for sample in sampler?.last() ?? [] { tell(.sampled(sample)) }
        LostSessions(run.lostUsers, known: run.numbers).stop(options.socket)
    }

    /// May be called from a signal's handler: it stores one flag and writes to one descriptor.
    public func stop() {
        isStopped.store(true, ordering: .releasing)
        _ = clinux_wake(waker)
    }
}
