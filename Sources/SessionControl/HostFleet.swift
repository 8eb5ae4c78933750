import HostAccess
import HostProtocol
import SessionModel

/// What a connected host said of itself: its channel keeps load and template of the hello as they were told last.
struct HostState: Sendable {
    let hello: HostHello
    var load: HostLoad? { hello.load }
    /// What displays that are made there now are made from.
    var template: String? { hello.template }
}

/// The channels and picture links to all recorded hosts, each run by a task of its own.
actor HostFleet {
    private struct Member {
        let channel: HostChannel
        let links: DataLinks
        let task: Task<Void, Never>
    }

    private let settings: HostAccessSettings
    private let tell: @Sendable (HostName, HostEvent) -> Void
    private var members: [HostName: Member] = [:]

    init(settings: HostAccessSettings, tell: @escaping @Sendable (HostName, HostEvent) -> Void) {
        self.settings = settings
        self.tell = tell
    }

    /// Makes the fleet what the records say: new hosts are connected, changed ones anew, others are let go.
    func become(_ endpoints: [HostEndpoint]) async {
        let wanted = Dictionary(endpoints.map { ($0.name, $0) }) { first, _ in first }
        for (name, member) in members where wanted[name] != member.channel.endpoint {
            member.task.cancel()
            await member.links.close()
            members[name] = nil
        }
        for (name, endpoint) in wanted where members[name] == nil {
            let channel = HostChannel(endpoint, settings: settings, tell: tell)
            let links = DataLinks(endpoint, settings: settings)
            members[name] = Member(channel: channel, links: links, task: Task { await channel.run() })
        }
    }

    /// The host's channel, up or down; throws when the host is not recorded.
    func channel(_ host: HostName) throws(SessionError) -> HostChannel {
        guard let member = members[host] else { throw .hostUnknown(host) }
        return member.channel
    }

    /// The host's picture links; throws when the host is not recorded.
    func links(_ host: HostName) throws(SessionError) -> DataLinks {
        guard let member = members[host] else { throw .hostUnknown(host) }
        return member.links
    }

    /// Where the hosts are, by name or address.
    var addresses: [String] { members.values.map(\.channel.endpoint.address) }

    /// What each connected host said of itself.
    func states() async -> [HostName: HostState] {
        var states: [HostName: HostState] = [:]
        for (name, member) in members {
            if let hello = await member.channel.hello { states[name] = HostState(hello: hello) }
        }
        return states
    }

    /// Ends the channels; displays, applications and picture links live on.
    func letGo() {
        for member in members.values { member.task.cancel() }
        members = [:]
    }
}
