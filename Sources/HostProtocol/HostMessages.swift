import SessionModel

/// What the controller asks of `maxwell-host serve`: numbered JSON lines on its standard input.
public enum HostRequest: Codable, Sendable, Equatable {
    case ping
    /// Starts a keeper and its container with Xvnc; answered when the display's RFB socket speaks.
    case makeDisplay(DisplayOrder)
    /// Runs an application on a display for a user; answered when it was executed.
    case startApplication(ApplicationOrder)
    /// Ends a display and all that runs on it (HUP, TERM, KILL, each after `patience`), renames the session's
    /// directory; viewers are cut at once; answered when nothing is left. Idempotent: a display that is not there answers as ended, and so does
    /// one whose number a display with another data link key than `key` has by now, which lives on. Without a key
    /// whatever has the number ends.
    case endDisplay(display: DisplayNumber, key: Secret? = nil, patienceSeconds: Double)
    /// What the session on a display has used until now; a display with another key, or without a session, is refused.
    case account(display: DisplayNumber, key: Secret)
    /// What runs here now, as ``HostHello/inventory`` told it once.
    case inventory
    /// Shows `text`, at most 1 KiB, in a window on a session's display until it is clicked away, for `seconds` at most;
    /// answered when the window's program was executed.
    case message(display: DisplayNumber, key: Secret, text: String, seconds: Int)
    /// Writes `screenshot.png` into the session's directory as the user.
    case screenshot(display: DisplayNumber)
    /// Makes the account's home (0700, skeleton), if it is not there.
    case makeHome(account: Account)
    /// What an account uses of its home's file system, from figures that are at most `maxAge` seconds old where they were
    /// counted; older ones, or ``HostFailure/Kind/tooOften``, when counting takes longer than a few seconds.
    case homeUsage(account: Account, maxAge: Double)
    /// Sets the limits of a uid, in blocks of 1024 bytes, on the file system of `home`; 0: none. Refused with the cause where
    /// the file system can have none.
    case setQuota(uid: UInt32, soft: UInt64, hard: UInt64, home: String)
    /// Ends every process of a uid that served somebody and removes its home: the next one finds nothing.
    case cleanAccount(account: Account)
    /// Removes what sessions that have ended left in an account's home and nobody changed for so many days, 0 for any; the
    /// results of `live` sessions stay.
    case purge(account: Account, days: Int, live: [SessionNumber])
    /// Disk, memory, load, cgroups, programs: one plain line per finding.
    case check
}

/// A display to make.
public struct DisplayOrder: Codable, Sendable, Equatable {
    public var display: DisplayNumber
    public var geometry: Geometry
    public var depth: Int
    public var withGL: Bool
    /// The uid and gid Xvnc runs under, its own.
    public var uid: UInt32
    /// 8 characters.
    public var password: Secret
    /// What the data link's first line must show, 32 hex digits.
    public var key: Secret
    /// Whether it will wait for a session: until one comes it is shown to live by its first answer, not by a pixel.
    public var waits: Bool
    /// Whether the host's one synthetic process shows a picture of its own there, in place of a keeper, Xvnc and an
    /// application: nothing runs as anybody.
    public var synthetic: Bool

    /// A display with everything it needs.
    public init(
        display: DisplayNumber, geometry: Geometry, depth: Int, withGL: Bool, uid: UInt32, password: Secret,
        key: Secret, waits: Bool = false, synthetic: Bool = false
    ) {
        self.display = display
        self.geometry = geometry
        self.depth = depth
        self.withGL = withGL
        self.uid = uid
        self.password = password
        self.key = key
        self.waits = waits
        self.synthetic = synthetic
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        display = try values.decode(DisplayNumber.self, forKey: .display)
        geometry = try values.decode(Geometry.self, forKey: .geometry)
        depth = try values.decode(Int.self, forKey: .depth)
        withGL = try values.decode(Bool.self, forKey: .withGL)
        uid = try values.decode(UInt32.self, forKey: .uid)
        password = try values.decode(Secret.self, forKey: .password)
        key = try values.decode(Secret.self, forKey: .key)
        // A controller of an older release says nothing of these.
        waits = try values.decodeIfPresent(Bool.self, forKey: .waits) ?? false
        synthetic = try values.decodeIfPresent(Bool.self, forKey: .synthetic) ?? false
    }
}

/// An application to run on a display.
public struct ApplicationOrder: Codable, Sendable, Equatable {
    public var display: DisplayNumber
    /// The display's data link key: another display with the number is not meant. Nil: whatever has it.
    public var key: Secret?
    public var session: SessionNumber
    public var account: Account
    /// For `/bin/sh -c`.
    public var command: String
    public var geometry: Geometry
    /// The complete content of `$SESSIONDIR/resources`, 0600.
    public var resources: Secret
    /// The decoded parameter text for the file TOOL_PARAMETERS names; nil: the variable is not set.
    public var parameters: String?
    /// Variables besides those the host sets itself (HOME, USER, SHELL, PATH, DISPLAY, XAUTHORITY, SESSION,
    /// SESSIONDIR, RESULTSDIR, TOOL_PARAMETERS, PWD).
    public var environment: [String: String]
    /// What it may use.
    public var limits: ResourceLimits
    /// Where it may connect to; nil: nowhere.
    public var network: NetworkOrder?
    /// Whose programs it sees.
    public var tree: SystemTree
    /// Whether the filter lets it make user namespaces.
    public var mayMakeUserNamespaces: Bool
    /// Shown in a window when it starts, at most 1 KiB; nil: nothing is.
    public var notice: String?

    /// An application with everything it needs.
    public init(
        display: DisplayNumber, key: Secret? = nil, session: SessionNumber, account: Account, command: String,
        geometry: Geometry, resources: Secret, parameters: String?, environment: [String: String],
        limits: ResourceLimits = .standard, network: NetworkOrder? = nil, tree: SystemTree = .host,
        mayMakeUserNamespaces: Bool = false, notice: String? = nil
    ) {
        self.display = display
        self.key = key
        self.session = session
        self.account = account
        self.command = command
        self.geometry = geometry
        self.resources = resources
        self.parameters = parameters
        self.environment = environment
        self.limits = limits
        self.network = network
        self.tree = tree
        self.mayMakeUserNamespaces = mayMakeUserNamespaces
        self.notice = notice
    }
}

/// The network a session's container gets.
public struct NetworkOrder: Codable, Sendable, Equatable {
    /// ``NetworkPolicy/none`` is no order at all.
    public var policy: NetworkPolicy
    /// Addresses and networks that are not reached, not as an allowed name's or by their own number either: `10.0.0.5`,
    /// `169.254.0.0/16` or `fe80::/10`. The host's own and those of the other sessions come on top, and for
    /// ``NetworkPolicy/open`` the controller's.
    public var denied: [String]
    /// The networks the ends of the containers' cables are taken from: IPv4, a /16 or larger, and IPv6, a /64 or larger.
    public var range: String
    public var range6: String

    /// A network with everything it needs.
    public init(policy: NetworkPolicy, denied: [String], range: String, range6: String) {
        self.policy = policy
        self.denied = denied
        self.range = range
        self.range6 = range6
    }
}

/// What a user has in the file system of the home.
public struct HomeUsage: Codable, Sendable, Equatable {
    /// Where the figures are from.
    public enum Source: String, Codable, Sendable {
        /// The file system's own quota.
        case quota
        /// The files were counted, at most some minutes ago; there is no limit but the file system's size.
        case measured
    }

    public var source: Source
    /// Bytes used.
    public var used: UInt64
    /// Bytes from which on the user is warned; 0: none.
    public var softLimit: UInt64
    /// Bytes that cannot be passed; 0: none.
    public var hardLimit: UInt64
    /// Bytes that are free in the file system.
    public var free: UInt64

    /// Figures of one user.
    public init(source: Source, used: UInt64, softLimit: UInt64, hardLimit: UInt64, free: UInt64) {
        self.source = source
        self.used = used
        self.softLimit = softLimit
        self.hardLimit = hardLimit
        self.free = free
    }
}

/// What the host answers to a request.
public enum HostReply: Codable, Sendable, Equatable {
    case done
    /// A display stands.
    case displayReady
    /// An application was executed.
    case applicationStarted
    /// Nothing of the display is left; its accounts, if it was there.
    case displayEnded(DisplayEnd)
    /// A session's account as it stands; its `status` is nil while the application runs.
    case account(DisplayEnd)
    case inventory([DisplayReport])
    case homeUsage(HomeUsage)
    /// One plain line per finding of `check`.
    case lines([String], good: Bool)
    case failed(HostFailure)
}

/// Why a request failed on the host.
public struct HostFailure: Codable, Sendable, Equatable, Error {
    /// Which kind, so that the controller chooses its sentence.
    public enum Kind: String, Codable, Sendable {
        case diskFull, displayFailed, displayUnknown, displayBusy, homeUnavailable, homeFull, applicationFailed,
            tooOften
        case refused
        case internalError
        /// A ready display failed its check at hand-over: nothing was started on it.
        case displayBroken
        /// What a ready display was made from has changed since: nothing was started on it.
        case displayStale
    }

    public var kind: Kind
    /// For the operator's log.
    public var cause: String

    /// A failure with its cause.
    public init(_ kind: Kind, _ cause: String) {
        self.kind = kind
        self.cause = cause
    }
}

/// What a display's end leaves to account for.
public struct DisplayEnd: Codable, Sendable, Equatable {
    public var display: DisplayNumber
    /// The session it served, if any.
    public var session: SessionNumber?
    /// The display's data link key; nil where it is not known any more.
    public var key: Secret?
    /// The application's exit status, 128 + signal when one killed it; nil when it ran until the end.
    public var status: Int?
    /// Seconds from the hand-over to the application's end.
    public var wallSeconds: Double
    /// CPU seconds of the whole container since the hand-over.
    public var cpuSeconds: Double
    /// The end of the application's log, at most 2 KiB, where it exited with a status other than 0 or never ran.
    public var logTail: String?

    /// An exit record.
    public init(
        display: DisplayNumber, session: SessionNumber?, key: Secret? = nil, status: Int?, wallSeconds: Double,
        cpuSeconds: Double, logTail: String? = nil
    ) {
        self.key = key
        self.display = display
        self.session = session
        self.status = status
        self.wallSeconds = wallSeconds
        self.cpuSeconds = cpuSeconds
        self.logTail = logTail
    }
}

/// What a display is doing, as its keeper says.
public struct DisplayReport: Codable, Sendable, Equatable {
    public enum State: String, Codable, Sendable {
        case starting, ready, used, ending
    }

    public var display: DisplayNumber
    public var state: State
    public var session: SessionNumber?
    /// What it was made from, as ``HostHello/template`` was then; nil before it was made.
    public var template: String?
    /// Its data link key; nil before it was made.
    public var key: Secret?

    /// A line of the inventory.
    public init(
        display: DisplayNumber, state: State, session: SessionNumber?, template: String? = nil, key: Secret? = nil
    ) {
        self.key = key
        self.display = display
        self.state = state
        self.session = session
        self.template = template
    }
}

/// The first line `serve` writes.
public struct HostHello: Codable, Sendable, Equatable {
    public var version: String
    /// The kernel's boot id and a random one kept under /run: it changes when either does.
    public var bootID: String
    /// "container" or "none".
    public var isolation: String
    /// The data socket's path on the host.
    public var dataSocket: String
    public var inventory: [DisplayReport]
    /// What a display made now would be made from: a short hex digest over versions, programs and arguments.
    public var template: String?
    /// How the host is at this moment.
    public var load: HostLoad?

    /// What a host says of itself.
    public init(
        version: String, bootID: String, isolation: String, dataSocket: String, inventory: [DisplayReport],
        template: String? = nil, load: HostLoad? = nil
    ) {
        self.version = version
        self.bootID = bootID
        self.isolation = isolation
        self.dataSocket = dataSocket
        self.inventory = inventory
        self.template = template
        self.load = load
    }
}

/// How loaded a host is, and what its displays are made from now.
public struct HostLoad: Codable, Sendable, Equatable {
    /// MiB that programs can still get without swapping (proc(5), `MemAvailable`).
    public var memoryAvailable: Int
    /// MiB.
    public var memoryTotal: Int
    /// Processes that ran or wanted to, on average over the last minute.
    public var load: Double
    public var cores: Int
    /// MiB on the file system of the run folder.
    public var diskAvailable: Int
    /// As ``HostHello/template``.
    public var template: String

    /// One look at a host.
    public init(
        memoryAvailable: Int, memoryTotal: Int, load: Double, cores: Int, diskAvailable: Int, template: String
    ) {
        self.memoryAvailable = memoryAvailable
        self.memoryTotal = memoryTotal
        self.load = load
        self.cores = cores
        self.diskAvailable = diskAvailable
        self.template = template
    }
}

/// Anything `serve` writes: one JSON line each.
public enum HostMessage: Codable, Sendable, Equatable {
    case hello(HostHello)
    case reply(id: UInt64, HostReply)
    /// The application exited by itself; the display still stands until `endDisplay`.
    case applicationExited(DisplayEnd)
    /// Xvnc or the container died by itself; nothing of the display is left.
    case displayDied(DisplayEnd)
    /// Told every 5 seconds, and at once when the template changed.
    case load(HostLoad)
}

/// One line of the controller's.
public struct HostCall: Codable, Sendable, Equatable {
    public var id: UInt64
    public var request: HostRequest

    /// A numbered request.
    public init(id: UInt64, request: HostRequest) {
        self.id = id
        self.request = request
    }
}
