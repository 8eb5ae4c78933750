import HostProtocol
import SessionModel

extension HostMessage {
    /// The same with every text short and without control characters, and every number one that can be reckoned with.
    var bounded: HostMessage {
        switch self {
        case .hello(let hello): .hello(hello.bounded)
        case .reply(let id, let reply): .reply(id: id, reply.bounded)
        case .applicationExited(let end): .applicationExited(end.bounded)
        case .displayDied(let end): .displayDied(end.bounded)
        case .load(let load): .load(load.bounded)
        }
    }
}

extension HostReply {
    fileprivate var bounded: HostReply {
        switch self {
        case .done, .displayReady, .applicationStarted: self
        case .displayEnded(let end): .displayEnded(end.bounded)
        case .account(let end): .account(end.bounded)
        case .inventory(let reports): .inventory(reports.bounded)
        case .homeUsage(let usage): .homeUsage(usage.bounded)
        case .lines(let lines, let good): .lines(lines.prefix(1000).map { $0.asLine(500) }, good: good)
        case .failed(let failure): .failed(HostFailure(failure.kind, failure.cause.asLine(1000)))
        }
    }

    /// Whether it can be the answer to `request`; a failure always can.
    func answers(_ request: HostRequest) -> Bool {
        switch (request, self) {
        case (_, .failed): true
        case (.ping, .done), (.message, .done), (.screenshot, .done), (.makeHome, .done), (.setQuota, .done),
            (.cleanAccount, .done), (.purge, .done):
            true
        case (.makeDisplay, .displayReady), (.startApplication, .applicationStarted): true
        case (.endDisplay(let display, let key, _), .displayEnded(let end)):
            end.display == display && (key == nil || end.key == nil || end.key == key)
        case (.account(let display, let key), .account(let end)): end.display == display && end.key == key
        case (.inventory, .inventory), (.homeUsage, .homeUsage), (.check, .lines): true
        default: false
        }
    }
}

extension HostHello {
    fileprivate var bounded: HostHello {
        HostHello(
            version: version.asLine(40), bootID: bootID.asLine(80), isolation: isolation.asLine(20),
            dataSocket: dataSocket.asLine(107), inventory: inventory.bounded, template: template?.asLine(64),
            load: load?.bounded)
    }
}

extension HostLoad {
    fileprivate var bounded: HostLoad {
        HostLoad(
            memoryAvailable: memoryAvailable.bounded, memoryTotal: memoryTotal.bounded, load: load.bounded,
            cores: max(1, cores.bounded), diskAvailable: diskAvailable.bounded, template: template.asLine(64))
    }
}

extension HomeUsage {
    fileprivate var bounded: HomeUsage {
        HomeUsage(
            source: source, used: used.bounded, softLimit: softLimit.bounded, hardLimit: hardLimit.bounded,
            free: free.bounded)
    }
}

extension DisplayEnd {
    fileprivate var bounded: DisplayEnd {
        DisplayEnd(
            display: display, session: session, key: key.asToken, status: status.map { min(max($0, 0), 255) },
            wallSeconds: wallSeconds.bounded, cpuSeconds: cpuSeconds.bounded, logTail: logTail?.asLines(2048))
    }
}

extension [DisplayReport] {
    /// Each display once, as it was named first.
    fileprivate var bounded: [DisplayReport] {
        var seen: Set<DisplayNumber> = []
        return filter { seen.insert($0.display).inserted }.map {
            DisplayReport(
                display: $0.display, state: $0.state, session: $0.session, template: $0.template?.asLine(64),
                key: $0.key.asToken)
        }
    }
}

extension Secret? {
    /// Nil where it is no data link key.
    fileprivate var asToken: Secret? { flatMap { Secret.isToken($0.exposed) ? $0 : nil } }
}

extension Double {
    /// At least 0, and at most thirty years in seconds.
    fileprivate var bounded: Double { isFinite ? min(max(self, 0), 1e9) : 0 }
}

extension Int {
    fileprivate var bounded: Int { Swift.min(Swift.max(self, 0), 1 << 40) }
}

extension UInt64 {
    /// At most 2⁶⁰: the sum of several is still a number.
    fileprivate var bounded: UInt64 { Swift.min(self, 1 << 60) }
}

extension String {
    /// Its beginning, `most` bytes of it at most, in one line.
    fileprivate func asLine(_ most: Int) -> String { kept(most) { !$0.isBreaking } }

    /// The same with its lines.
    fileprivate func asLines(_ most: Int) -> String { kept(most) { !$0.isBreaking || $0 == "\n" || $0 == "\t" } }

    /// By scalars: one character may have any length.
    private func kept(_ most: Int, _ mayStay: (Unicode.Scalar) -> Bool) -> String {
        var text = UnicodeScalarView()
        var length = 0
        for scalar in unicodeScalars where mayStay(scalar) {
            length += UTF8.width(scalar)
            if length > most { break }
            text.append(scalar)
        }
        return String(text)
    }
}

extension Unicode.Scalar {
    /// Whether it would end a line of a log, or make a terminal do something.
    fileprivate var isBreaking: Bool {
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
