import SessionModel

/// What the controller answers.
public enum ControlReply: Codable, Sendable, Equatable {
    /// `start`: the session's number.
    case started(SessionNumber)
    case view(ViewAnswer)
    /// Done, with nothing to tell but perhaps a sentence.
    case done(String)
    /// `check`: one plain line per finding; `good` decides the exit status.
    case lines([String], good: Bool)
    case quota(QuotaAnswer)
    case sessions([SessionLine])
    case why(WhyAnswer)
    case reaps([ReapLine])
    case hosts([HostLine])
    case applications([ApplicationLine])
    case ticket(TicketAnswer)
    case counters([String: UInt64])
    case stressLedger([StressView])
    /// One plain line each; none: nothing is left.
    case stressLeftovers([StressLeftover])
    /// How many sessions of stress users there were, and how many rows were removed with them.
    case stressCleaned(sessions: Int, rows: Int)
    case hostKey(HostKeyAnswer)
    case route(Route)
    /// What the relay shall cut, among the views it told: revoked, or their session ended.
    case beats(cut: [UInt64])
    case refused(Refusal)
}

/// What `maxwell view` prints: the portal's keys, flat.
public struct ViewAnswer: Codable, Sendable, Equatable {
    public var session: SessionNumber
    public var width: Int
    public var height: Int
    public var host: String
    public var port: Int
    /// The port for browsers, which refuse some.
    public var browserPort: Int
    /// The display's password as a vncpasswd file holds it: 16 hex digits.
    public var encpassword: String
    /// `vncsession:TOKEN`.
    public var connect: Secret
    public var readOnly: Bool

    /// An answer with everything a viewer needs.
    public init(
        session: SessionNumber, width: Int, height: Int, host: String, port: Int, browserPort: Int, encpassword: String,
        connect: Secret, readOnly: Bool
    ) {
        self.session = session
        self.width = width
        self.height = height
        self.host = host
        self.port = port
        self.browserPort = browserPort
        self.encpassword = encpassword
        self.connect = connect
        self.readOnly = readOnly
    }
}

/// What a user has of the homes' file system, in bytes; a limit of 0 is none.
public struct QuotaAnswer: Codable, Sendable, Equatable {
    public var user: UserName
    public var used: UInt64
    public var softLimit: UInt64
    public var hardLimit: UInt64
    /// What the user can still write: to the hard limit or the file system's end, whichever is nearer.
    public var remaining: UInt64
    /// Whether the file system itself counts and limits; else files were counted, at most some minutes ago.
    public var isEnforced: Bool

    /// An answer with every figure.
    public init(
        user: UserName, used: UInt64, softLimit: UInt64, hardLimit: UInt64, remaining: UInt64, isEnforced: Bool
    ) {
        self.user = user
        self.used = used
        self.softLimit = softLimit
        self.hardLimit = hardLimit
        self.remaining = remaining
        self.isEnforced = isEnforced
    }
}

/// A row of `maxwell sessions`: one that lives, or that failed within the last day.
public struct SessionLine: Codable, Sendable, Equatable {
    public var session: SessionNumber
    public var user: String
    public var application: String
    public var host: String
    public var display: Int
    public var state: String
    /// Seconds since it was started.
    public var age: Int
    /// Viewers connected now.
    public var viewers: Int
    /// Seconds in which at least one viewer watched, so far.
    public var watched: Double
    /// Seconds until it is reaped if nothing changes; nil: nothing ends it as things are.
    public var endsIn: Int?
    /// Why it will be reaped, or what keeps it.
    public var fate: String
    /// Who watches now, whoever came first in front.
    public var watchers: [Watcher]

    /// A row with every column.
    public init(
        session: SessionNumber, user: String, application: String, host: String, display: Int, state: String,
        age: Int, viewers: Int, watched: Double = 0, endsIn: Int? = nil, fate: String = "", watchers: [Watcher] = []
    ) {
        self.session = session
        self.user = user
        self.application = application
        self.host = host
        self.display = display
        self.state = state
        self.age = age
        self.viewers = viewers
        self.watched = watched
        self.endsIn = endsIn
        self.fate = fate
        self.watchers = watchers
    }
}

/// Somebody who watches a session now.
public struct Watcher: Codable, Sendable, Equatable {
    public var user: String
    /// UTC, `2026-01-31 12:00:00.000`.
    public var since: String
    /// Where the viewer is, as the relay saw it.
    public var address: String
    /// Whether the person may only watch.
    public var readOnly: Bool

    /// An open view.
    public init(user: String, since: String, address: String, readOnly: Bool) {
        self.user = user
        self.since = since
        self.address = address
        self.readOnly = readOnly
    }
}

/// A row of `maxwell reap`.
public struct ReapLine: Codable, Sendable, Equatable {
    public var session: SessionNumber
    public var user: String
    public var application: String
    /// Whether its time is over: it goes, or with a dry run would go.
    public var isDue: Bool
    /// Seconds until it is reaped if nothing changes; nil: nothing ends it as things are.
    public var endsIn: Int?
    /// Why it goes, or what keeps it.
    public var fate: String

    /// A row with every column.
    public init(
        session: SessionNumber, user: String, application: String, isDue: Bool, endsIn: Int?, fate: String
    ) {
        self.session = session
        self.user = user
        self.application = application
        self.isDue = isDue
        self.endsIn = endsIn
        self.fate = fate
    }
}

/// A row of `maxwell hosts`.
public struct HostLine: Codable, Sendable, Equatable {
    public var host: String
    public var status: String
    /// Whether the agent channel stands.
    public var connected: Bool
    /// "container" or "none": marked in every listing.
    public var isolation: String
    public var uses: Int
    public var maximumUses: Int
    public var zone: String
    public var agentVersion: String
    /// Displays that are ready to be handed out: without GLX, and with it.
    public var ready: Int
    public var readyGL: Int
    /// Memory the host could still give, in MiB, as it told last; nil: unknown.
    public var memory: Int?
    /// The load average of its last minute, as it told last; nil: unknown.
    public var load: Double?
    /// Why it was set aside; empty for other hosts.
    public var note: String

    /// A row with every column.
    public init(
        host: String, status: String, connected: Bool, isolation: String, uses: Int, maximumUses: Int, zone: String,
        agentVersion: String, ready: Int = 0, readyGL: Int = 0, memory: Int? = nil, load: Double? = nil,
        note: String = ""
    ) {
        self.host = host
        self.status = status
        self.connected = connected
        self.isolation = isolation
        self.uses = uses
        self.maximumUses = maximumUses
        self.zone = zone
        self.agentVersion = agentVersion
        self.ready = ready
        self.readyGL = readyGL
        self.memory = memory
        self.load = load
        self.note = note
    }
}

/// A row of `maxwell apps`.
public struct ApplicationLine: Codable, Sendable, Equatable {
    public var name: String
    public var title: String
    public var geometry: String
    /// Where it comes from: "apps.d" or "portal".
    public var source: String

    /// A row with every column.
    public init(name: String, title: String, geometry: String, source: String) {
        self.name = name
        self.title = title
        self.geometry = geometry
        self.source = source
    }
}

/// What `maxwell ticket` prints.
public struct TicketAnswer: Codable, Sendable, Equatable {
    public var session: SessionNumber
    public var ticket: Secret
    /// `https://HOST:PORT/view/N#TICKET`.
    public var address: Secret
    public var seconds: Int

    /// A ticket and the address that uses it.
    public init(session: SessionNumber, ticket: Secret, address: Secret, seconds: Int) {
        self.session = session
        self.ticket = ticket
        self.address = address
        self.seconds = seconds
    }
}

/// What `maxwell host add` needs from the controller.
public struct HostKeyAnswer: Codable, Sendable, Equatable {
    /// The controller's public key, "ssh-ed25519 AAAA… maxwell".
    public var publicKey: String
    /// Display uids: the first, and how many.
    public var firstDisplayUID: UInt32
    public var displayUIDs: UInt32

    /// The controller's part of a host's set-up.
    public init(publicKey: String, firstDisplayUID: UInt32, displayUIDs: UInt32) {
        self.publicKey = publicKey
        self.firstDisplayUID = firstDisplayUID
        self.displayUIDs = displayUIDs
    }
}

/// Where a view leads.
public struct Route: Codable, Sendable, Equatable {
    /// How viewer and display come to trust each other.
    public enum Authentication: Codable, Sendable, Equatable {
        /// They do VncAuth with each other; the relay stays out of it.
        case viewer
        /// The relay answers the display with this password and offers the viewer None.
        case relay(password: Secret)
    }

    /// What the display speaks.
    public enum Kind: String, Codable, Sendable {
        /// RFB: the relay follows what the viewer says.
        case rfb
        /// Anything: bytes pass unread, and no password is asked for.
        case tcp
    }

    /// Names the view in beats and at its end.
    public var view: UInt64
    public var session: SessionNumber
    /// The Unix socket that leads to the host's data process.
    public var socket: String
    public var display: DisplayNumber
    /// 128 bits, hex: the data link's first line is `RFB <display> <key>\n`.
    public var key: Secret
    public var mode: ViewMode
    public var authentication: Authentication
    public var kind: Kind

    /// A resolved token.
    public init(
        view: UInt64, session: SessionNumber, socket: String, display: DisplayNumber, key: Secret, mode: ViewMode,
        authentication: Authentication, kind: Kind = .rfb
    ) {
        self.view = view
        self.session = session
        self.socket = socket
        self.display = display
        self.key = key
        self.mode = mode
        self.authentication = authentication
        self.kind = kind
    }
}
