import SessionModel

/// Everything that can be asked on the control socket: a closed list. Who may ask what is
/// ``ControlRequest/Right``; the asked side checks it against the caller's uid.
public enum ControlRequest: Codable, Sendable, Equatable {
    // The portal's words.
    case start(StartOrder)
    case view(ViewOrder)
    /// `delay`: only then, with a message to whoever watches; nil: at once, as the portal does.
    case stop(session: SessionNumber, delay: StopDelay?)
    case check(host: HostName, apply: Bool)
    case createUserHome(user: UserName)
    case updateQuota(uid: String, soft: String, hard: String)
    case screenshot(user: UserName)
    /// What a user has of the homes' file system; asked by `maxwell quota` and, for the portal's two lines, by `maxwell-web`.
    case quota(user: UserName?)
    /// Removes results of a user that are older than `days`; nil: all of them. Refused unless the settings allow it.
    case purge(user: UserName, days: Int?)

    // The people's words.
    case sessions(user: UserName?)
    /// What is kept about a session, and what its start tried.
    case why(session: SessionNumber)
    /// Ends the sessions whose time is over, or (`dryRun`) ends none; either way every session is told of.
    case reap(dryRun: Bool)
    /// Lets a session stay for so many seconds from now; nil: for as long as it may stay unobserved.
    case extend(session: SessionNumber, seconds: Int?)
    case hosts
    case applications
    case login(user: UserName, password: Secret)
    case ticket(TicketOrder)
    case counters
    case ping

    // The administrator's, about hosts.
    /// `endAfter`: with `drain`, seconds after which what still runs there is ended; nil: it may go on.
    case setHostStatus(host: HostName, status: HostStatus, endAfter: Int?)
    /// Gives the controller's public key and what the host's agent needs; `maxwell host add` asks it first.
    case hostKey
    /// Records a host whose agent is installed: pins `sshHostKey` (a known_hosts line's "type base64").
    case addHost(HostOrder)

    // The load test's.
    case stress(StressWord)

    // The relay's.
    case resolve(ResolveOrder)
    /// A native viewer's name and password, in ``resolve(_:)``'s place.
    case enter(EnterOrder)
    /// A viewer's RFB session is up. Told again until it is answered; so is ``viewClosed(_:)``.
    case viewOpened(ViewOpening)
    case viewBeats(RelayBeat)
    case viewClosed(ViewEnd)
    /// Which of a relay's open views may not go on, by ``RelayBeat/instance``: their permission is gone or became another.
    case withdrawn(relay: String)
}

/// How long an administrator's stop waits.
public enum StopDelay: Codable, Sendable, Equatable {
    /// As long as the settings say.
    case standard
    case seconds(Int)
}

/// `maxwell start`.
public struct StartOrder: Codable, Sendable, Equatable {
    public var user: UserName
    /// The address of the user's browser as the portal saw it; at most 40 characters are kept.
    public var address: String
    public var application: ApplicationName
    /// The portal's word for the revision: told to the application, never used to choose it.
    public var version: String
    /// The URL-decoded parameter text, at most 64 KiB; nil when the key was absent.
    public var parameters: String?
    public var zone: ZoneName?
    /// That it is a load test's; nil: a person's.
    public var stress: StressMark?

    /// Whether its display is one that a host only plays: none of a pool's, and no proof of what people's would do.
    public var isSynthetic: Bool { stress == .synthetic }

    /// An order with every key of the portal's `start`.
    public init(
        user: UserName, address: String, application: ApplicationName, version: String = "",
        parameters: String? = nil, zone: ZoneName? = nil, stress: StressMark? = nil
    ) {
        self.user = user
        self.address = address
        self.application = application
        self.version = version
        self.parameters = parameters
        self.zone = zone
        self.stress = stress
    }
}

/// `maxwell view`.
public struct ViewOrder: Codable, Sendable, Equatable {
    public var session: SessionNumber
    /// Who will look; nil: the caller's own account (people).
    public var user: UserName?
    public var address: String
    public var readOnly: Bool

    /// An order with every key of the portal's `view`.
    public init(session: SessionNumber, user: UserName?, address: String, readOnly: Bool) {
        self.session = session
        self.user = user
        self.address = address
        self.readOnly = readOnly
    }
}

/// `maxwell ticket`.
public struct TicketOrder: Codable, Sendable, Equatable {
    public var session: SessionNumber
    /// Who will look; nil: the session's owner.
    public var user: UserName?
    public var seconds: Int
    public var once: Bool
    public var readOnly: Bool

    /// A ticket good for `seconds`.
    public init(
        session: SessionNumber, user: UserName? = nil, seconds: Int = 600, once: Bool = false, readOnly: Bool = false
    ) {
        self.session = session
        self.user = user
        self.seconds = seconds
        self.once = once
        self.readOnly = readOnly
    }
}

/// A host to record.
public struct HostOrder: Codable, Sendable, Equatable {
    public var name: HostName
    /// Where ssh finds it: a name or address.
    public var address: String
    public var port: Int
    /// The account the forced command runs under: root.
    public var account: String
    /// "ssh-ed25519 AAAA…": what the administrator's own ssh saw.
    public var sshHostKey: String
    /// The zone it belongs to; nil: the default zone.
    public var zone: ZoneName?
    /// Names of `hosttype` rows.
    public var provisions: [String]
    /// How many displays at most; 0: no limit.
    public var maximumUses: Int
    /// The host's run folder, where the data socket is; "/run/maxwell" unless told otherwise.
    public var runFolder: String

    /// A host as `maxwell host add` found it.
    public init(
        name: HostName, address: String, port: Int, account: String, sshHostKey: String, zone: ZoneName?,
        provisions: [String], maximumUses: Int, runFolder: String
    ) {
        self.name = name
        self.address = address
        self.port = port
        self.account = account
        self.sshHostKey = sshHostKey
        self.zone = zone
        self.provisions = provisions
        self.maximumUses = maximumUses
        self.runFolder = runFolder
    }
}

/// The relay asks where a token leads.
public struct ResolveOrder: Codable, Sendable, Equatable {
    public var token: Secret
    /// The viewer's address as the relay saw it.
    public var address: String
    /// How it came: "websocket" or "connect"; a native viewer comes with an ``EnterOrder``.
    public var way: String
    /// ``RelayBeat/instance`` of the relay that asks.
    public var relay: String

    /// An order for one connection.
    public init(token: Secret, address: String, way: String, relay: String) {
        self.token = token
        self.address = address
        self.way = way
        self.relay = relay
    }
}

/// The relay asks whether a person may enter, and where to.
public struct EnterOrder: Codable, Sendable, Equatable {
    /// As it was typed: `alice`, her newest session, or `alice+42`; at most 1,024 bytes.
    public var name: String
    /// As it was typed: the account's password, or a ticket; at most 1,024 bytes.
    public var password: Secret
    /// The viewer's address as the relay saw it.
    public var address: String
    /// ``RelayBeat/instance`` of the relay that asks.
    public var relay: String

    /// An order for one connection.
    public init(name: String, password: Secret, address: String, relay: String) {
        self.name = name
        self.password = password
        self.address = address
        self.relay = relay
    }
}

/// A viewer began to see its display.
public struct ViewOpening: Codable, Sendable, Equatable {
    /// As the route named it.
    public var view: UInt64
    /// When, in seconds of the machine's CLOCK_MONOTONIC (clock_gettime(2)), which all its processes share.
    public var began: Double

    /// A view that began then.
    public init(view: UInt64, began: Double) {
        self.view = view
        self.began = began
    }
}

/// A relay's sign of life, every 10 s, with those of all its views.
public struct RelayBeat: Codable, Sendable, Equatable {
    /// The relay, whoever runs it: where it listens.
    public var name: String
    /// This life of it: another after each start.
    public var instance: String
    /// When the list was made, as ``ViewOpening/began``: every view that began before is in it, or has ended. Nil: it is
    /// a part of a list that is too long for one line, and tells nothing of the views that are not in it.
    public var at: Double?
    /// The views that are up.
    public var views: [ViewBeat]
    /// Whether it takes no viewer any more: another life of ``name`` has its port, and this one serves those it has.
    public var isLeaving: Bool
    /// The lives of ``name`` before this one that handed it the port: the views they have go on.
    public var predecessors: [String]
    /// What it counts, by name: "viewers", "certificate days left", and how often connections ended for which reason.
    public var figures: [String: UInt64]

    /// A relay with its views.
    public init(
        name: String, instance: String, at: Double?, views: [ViewBeat], isLeaving: Bool = false,
        predecessors: [String] = [], figures: [String: UInt64] = [:]
    ) {
        self.name = name
        self.instance = instance
        self.at = at
        self.views = views
        self.isLeaving = isLeaving
        self.predecessors = predecessors
        self.figures = figures
    }
}

/// A live view's last proof of life.
public struct ViewBeat: Codable, Sendable, Equatable {
    public var view: UInt64
    /// ``ViewOpening/began``.
    public var began: Double
    /// Seconds from `began` to the last proof of life.
    public var seconds: Double

    /// A view that is proven to have lived for so long.
    public init(view: UInt64, began: Double, seconds: Double) {
        self.view = view
        self.began = began
        self.seconds = seconds
    }
}

/// A view that ended.
public struct ViewEnd: Codable, Sendable, Equatable {
    public var view: UInt64
    /// ``ViewOpening/began``; nil: its viewer never saw the display.
    public var began: Double?
    /// From `began` to the last proof of life.
    public var seconds: Double
    public var bytesToViewer: UInt64
    public var bytesFromViewer: UInt64
    /// One of the relay's reasons: "viewer left", "display ended", "revoked", …
    public var cause: String

    /// A view's end, with what it moved.
    public init(
        view: UInt64, began: Double?, seconds: Double, bytesToViewer: UInt64, bytesFromViewer: UInt64, cause: String
    ) {
        self.view = view
        self.began = began
        self.seconds = seconds
        self.bytesToViewer = bytesToViewer
        self.bytesFromViewer = bytesFromViewer
        self.cause = cause
    }
}
