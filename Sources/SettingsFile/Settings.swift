import SessionModel

/// What an administrator decided: one immutable value, read once at start. Every value has a default, which the
/// sample `etc/maxwell.yaml` shows.
public struct Settings: Hashable, Sendable {
    /// What people and portals call this gateway, and where they find it.
    public let gateway: Gateway
    /// The controller's own sockets and folders, and who may ask it what.
    public let controller: Controller
    /// The MariaDB the portal and we share.
    public let database: Database
    /// Where accounts come from.
    public let ldap: LDAP
    /// How execution hosts are reached.
    public let hosts: Hosts
    /// The uids we give out ourselves.
    public let uids: UIDs
    /// The TLS port.
    public let relay: Relay
    /// The pages behind the relay.
    public let web: Web
    /// Where applications are described.
    public let applications: Applications
    /// What holds for every session.
    public let sessions: Sessions
    /// What an application's session may use, where its file says nothing.
    public let limits: ResourceLimits
    /// What holds for every application's network.
    public let network: Network
    /// Where people's files are.
    public let homes: Homes
    /// The displays that are started before anyone asks.
    public let pool: Pool
    /// Who is told when a start finds no way.
    public let notify: Notify

    /// What people and portals call this gateway, and where they find it.
    public struct Gateway: Hashable, Sendable {
        /// `hub_name` in a session's environment.
        public let name: String
        /// `hub_url` in a session's environment.
        public let url: String
        /// The host viewers are told to connect to.
        public let host: String
        /// The port viewers are told, 1–65535.
        public let port: Int
        /// The port browsers are told: Chromium and Firefox refuse 563 (Fetch Standard, "port blocking").
        public let browserPort: Int
    }

    /// The controller's own sockets and folders, and who may ask it what.
    public struct Controller: Hashable, Sendable {
        /// The control socket's path.
        public let socket: String
        /// The folder of what must survive a restart: the journal of views while the database is away.
        public let state: String
        /// Its folder `links` holds the picture links: a short path.
        public let run: String
        /// The account that may migrate besides root; `maxwelld` does not change its account.
        public let user: String
        /// Accounts that may say the portal's words for anybody, besides root.
        public let portalUsers: [String]
        /// The group whose members may say the administrators' words.
        public let adminGroup: String
        /// The group whose members may load the gateway with a test of it; nil: nobody but root may.
        public let stressGroup: String?
        /// The least that is logged, on standard error.
        public let logLevel: LogLevel
    }

    /// The MariaDB the portal and we share.
    public struct Database: Hashable, Sendable {
        /// Its Unix socket; nil when ``host`` is given.
        public let socket: String?
        /// Its machine; nil when ``socket`` is given.
        public let host: String?
        /// Its port on ``host``, 1–65535.
        public let port: Int
        /// The database's name.
        public let name: String
        /// The database account.
        public let user: String
        /// The file with its password; nil when the server knows us by the socket (`unix_socket`).
        public let passwordFile: String?
        /// Connections kept, 1–64.
        public let connections: Int
        /// How long connecting or one statement may take.
        public let timeout: Duration
    }

    /// Where accounts come from.
    public struct LDAP: Hashable, Sendable {
        /// Servers in the order they are tried: `ldap://`, `ldaps://` or `ldapi://`.
        public let uris: [String]
        /// The authorities a server's certificate must come from.
        public let caFile: String
        /// Whether an `ldap://` connection is encrypted by StartTLS before anything is asked.
        public let startTLS: Bool
        /// Who looks accounts up; nil: anonymous.
        public let bindDN: String?
        /// The file with that DN's password.
        public let bindPasswordFile: String?
        /// The subtree of accounts.
        public let peopleBase: String
        /// The subtree of groups.
        public let groupBase: String
        /// Accounts with a lower uid are refused.
        public let minimumUID: UInt32
        /// Accounts with a lower gid are refused, such supplementary groups dropped.
        public let minimumGID: UInt32
        /// How long one question may take, connecting included.
        public let timeout: Duration
    }

    /// How execution hosts are reached.
    public struct Hosts: Hashable, Sendable {
        /// The controller's private key.
        public let sshKey: String
        /// How long a connection may take to stand.
        public let connectTimeout: Duration
        /// How long an application may take to end before it is killed.
        public let stopPatience: Duration
        /// After so long without a word from a host its sessions are ended in the records; a second or more.
        public let lostAfter: Duration
    }

    /// The uids we give out ourselves.
    public struct UIDs: Hashable, Sendable {
        /// One for each display number.
        public let displays: UIDRange
        /// Lent to people whose directory entry has no uid, one at a time each, and to load tests.
        public let shadow: UIDRange
    }

    /// The TLS port.
    public struct Relay: Hashable, Sendable {
        /// A further place where it listens.
        public struct Listener: Hashable, Sendable {
            /// Where.
            public let address: ListenAddress
            /// Whether it greets at once in RFB, as native viewers expect: nothing else can come in there.
            public let greetsInRFB: Bool
        }

        /// Where it listens.
        public let listen: ListenAddress
        /// Where it listens besides, for browsers; nil: nowhere else.
        public let browserListen: ListenAddress?
        /// Further places where it listens.
        public let listeners: [Listener]
        /// The account it becomes once it listens.
        public let user: String
        /// The certificate chain of connections that start with TLS, PEM.
        public let certificate: String
        /// Its private key, PEM.
        public let key: String
        /// The self-signed certificate of connections that say CONNECT in clear first, PEM.
        public let directCertificate: String
        /// Its private key, PEM.
        public let directKey: String
        /// Event loops, 1–64; about one a core.
        public let loops: Int
        /// How long a connection may take to finish TLS.
        public let tlsTimeout: Duration
        /// How long a viewer may take until its view is open.
        public let openingTimeout: Duration
        /// How long a client is silent before it is greeted in RFB; never below 1.5 s, so that one whose first segment
        /// was lost is not.
        public let greetingDelay: Duration
        /// How long a CONNECT inside TLS may be followed by a second TLS layer.
        public let secondLayerDelay: Duration
        /// How long a relay that was replaced serves the viewers it has.
        public let leavingTimeout: Duration
        /// Connections at a time; 0: as many as descriptors allow.
        public let mostConnections: Int
        /// Connections at a time from one address, an IPv6 network of 64 bits counting as one; 0: no limit.
        public let mostPerSource: Int
        /// Connections at a time that have not said what they want.
        public let mostOpening: Int
        /// OpenSSL's words for the ciphers of TLS 1.2, in order.
        public let ciphers: String
        /// OpenSSL's words for the cipher suites of TLS 1.3, in order.
        public let cipherSuites: String
        /// Whether TLS 1.2 is refused.
        public let onlyTLS13: Bool
        /// Origins of pages that may open a WebSocket here, ours included; empty: any.
        public let allowedOrigins: [String]
    }

    /// The pages behind the relay.
    public struct Web: Hashable, Sendable {
        /// The Unix socket where the relay finds them.
        public let socket: String
        /// The account `maxwell-web` runs as.
        public let user: String
        /// The folder of noVNC's files.
        public let noVNC: String
        /// Where the portal asks for quotas in its two-line protocol; nil: nowhere.
        public let quotaListen: ListenAddress?
    }

    /// Where applications are described.
    public struct Applications: Hashable, Sendable {
        /// The folder of one YAML file an application.
        public let folder: String
    }

    /// What holds for every session.
    public struct Sessions: Hashable, Sendable {
        /// How long a session may stay unobserved, where its application names no time.
        public let timeout: Duration
        /// How old a session may become, a second or more, where its application names no age; nil: as old as it likes.
        public let maximumAge: Duration?
        /// How long before the end by age, by a drain or by an administrator viewers are told; a second or more.
        public let notice: Duration
        /// Sessions one user may have at a time, 0–1,000,000; 0: no limit.
        public let mostPerUser: Int
        /// Sessions of one application at a time, 0–1,000,000, where its file names no number; 0: no limit.
        public let mostPerApplication: Int
        /// Viewers of one session at a time, 0–1,000,000; 0: no limit.
        public let mostViewers: Int
    }

    /// What holds for every application's network, whatever its own file allows.
    public struct Network: Hashable, Sendable {
        /// Addresses and networks that no application reaches, besides those that none ever does: link-local ones and the
        /// metadata services of clouds; with an open network neither the gateway's database, directory, controller nor hosts.
        public let denied: [String]
        /// Where the ends of the containers' cables are taken from: an IPv4 network of at most 20 bits.
        public let range: String
        /// The same of IPv6, at most 64 bits.
        public let range6: String
    }

    /// Where people's files are.
    public struct Homes: Hashable, Sendable {
        /// The folder of the homes of people whose directory entry names none; nil: they cannot start anything.
        public let root: String?
        /// How old a count of somebody's files may become, where the file system has no quota.
        public let measureEvery: Duration
        /// MiB told to the portal as the soft limit, where the file system has no quota; 0: none.
        public let softLimit: Int
        /// MiB from which on the user is told at each start, where the file system has no quota; 0: none.
        public let hardLimit: Int
        /// Whether the portal's `purge` may remove files.
        public let allowsPurge: Bool
    }

    /// The displays that are started before anyone asks.
    public struct Pool: Hashable, Sendable {
        /// Displays without GLX that a host keeps ready whatever the demand, 0–1000.
        public let floor: Int
        /// Those with GLX, 0–1000.
        public let floorGL: Int
        /// Displays of one kind that a host keeps ready at most, 0–10,000.
        public let ceiling: Int
        /// What the demand is multiplied with, 1–100.
        public let headroom: Double
        /// How long a display may wait before another takes its place; a minute or more.
        public let longestReady: Duration
        /// Memory of a host that ready displays leave alone, in MiB, 0–1,000,000.
        public let memoryReserve: Int
        /// Displays a host makes at the same time for its pool, 1–64.
        public let makesAtOnce: Int

        /// The rules for displays of one kind.
        public func rules(withGL: Bool) -> PoolPlan.Rules {
            PoolPlan.Rules(
                floor: withGL ? floorGL : floor, ceiling: ceiling, headroom: headroom,
                perDisplayMemory: withGL ? PoolPlan.Rules.memoryWithGL : PoolPlan.Rules.memoryWithoutGL,
                memoryReserve: memoryReserve)
        }
    }

    /// Who is told when a start finds no way.
    public struct Notify: Hashable, Sendable {
        /// A program by its absolute path, and its arguments; empty: nobody is told.
        public let command: [String]
        /// News of one kind are told once in that time.
        public let every: Duration
    }

    /// What an empty file means.
    public static let standard = Settings(reading: nil, findings: Findings(file: "maxwell.yaml"))
}

/// How much of the log is written; the names of swift-log's levels.
public enum LogLevel: String, Hashable, Sendable, CaseIterable {
    case trace, debug, info, notice, warning, error, critical
}

/// An address and a port to listen on, written `[::]:563` or `127.0.0.1:563`.
public struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// An IPv4 or IPv6 address, without brackets.
    public let host: String
    /// 1–65535.
    public let port: Int

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Parses `HOST:PORT`, an IPv6 address in brackets; nil when it is none.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = number(text[text.index(after: colon)...], in: 1...65535)
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.contains(":") else { return nil }
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty, !host.contains(where: { "[] ".contains($0) }) else { return nil }
        self.host = String(host)
        self.port = port
    }

    /// As it is written in a file or a message.
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// `count` uids from `first` on.
public struct UIDRange: Hashable, Sendable {
    /// The lowest.
    public let first: UInt32
    /// How many, 1 or more.
    public let count: UInt32

    /// A range that ends below 2³² - 1, which is no uid (chown(2)); nil when it does not, or is empty.
    public init?(first: UInt32, count: UInt32) {
        guard count > 0, UInt64(first) + UInt64(count) <= UInt64(UInt32.max) else { return nil }
        self.first = first
        self.count = count
    }

    /// The highest.
    public var last: UInt32 { first + (count - 1) }

    /// Its uids.
    public var uids: ClosedRange<UInt32> { first...last }
}
