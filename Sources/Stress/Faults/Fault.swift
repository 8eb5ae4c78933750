/// A way in which a gateway is broken on purpose. Its name is what is done and to what.
public enum Fault: String, CaseIterable, Codable, Sendable {
    case killController = "kill:controller"
    case killRelay = "kill:relay"
    case killWeb = "kill:web"
    case killAgent = "kill:agent"
    /// Where displays are synthetic: the process that is all of a host's.
    case killKeeper = "kill:keeper"
    case killDisplay = "kill:display"
    case killDatabase = "kill:database"
    /// It is there and says nothing.
    case stopDatabase = "stop:database"
    case cutHost = "cut:host"
    case fillDisk = "fill:disk"
    case reloadCertificates = "reload:certificates"
    case upgradeRelay = "upgrade:relay"
    case drainHost = "drain:host"

    /// Seconds until it is mended, where nothing else is said; nil for what is over at once.
    public var usualSpan: Double? {
        switch self {
        case .stopDatabase: 20
        case .cutHost, .fillDisk, .drainHost: 10
        case .killController, .killRelay, .killWeb, .killAgent, .killKeeper, .killDisplay, .killDatabase,
            .reloadCertificates, .upgradeRelay:
            nil
        }
    }

    /// Seconds that the gateway may take to be well again once it is mended.
    public var patience: Double {
        switch self {
        // A disk that was full is looked at again every half a minute; a database that was killed reads its log.
        case .fillDisk, .killDatabase, .stopDatabase, .cutHost: 120
        case .killController, .killRelay, .killWeb, .killAgent, .killKeeper, .killDisplay, .reloadCertificates,
            .upgradeRelay, .drainHost:
            60
        }
    }

    /// Whether a host is its victim.
    public var isOfHost: Bool {
        switch self {
        case .killAgent, .killKeeper, .killDisplay, .cutHost, .fillDisk, .drainHost: true
        case .killController, .killRelay, .killWeb, .killDatabase, .stopDatabase, .reloadCertificates, .upgradeRelay:
            false
        }
    }
}
