import FoundationEssentials
import Glibc
import HostProtocol
import SessionModel
import Testing

@testable import Isolation

/// Requests that are as they must be, for each test to spoil one thing in.
private enum Sound {
    static func account(_ change: (inout Fields) -> Void = { _ in }) throws -> Account {
        var fields = Fields()
        change(&fields)
        return Account(
            name: try UserName("alice"), uid: fields.uid, gid: fields.gid, home: fields.home, shell: fields.shell,
            groups: fields.groups)
    }

    struct Fields {
        var uid: UInt32 = 10001
        var gid: UInt32 = 10001
        var home = "/home/alice"
        var shell = "/bin/sh"
        var groups = [Account.Group(name: "science", gid: 20001)]
    }

    static func display(_ change: (inout DisplayOrder) -> Void = { _ in }) throws -> HostRequest {
        var order = DisplayOrder(
            display: try DisplayNumber(3201), geometry: .usual, depth: 24, withGL: false, uid: 2_003_201,
            password: Secret("abcd1234"), key: .token())
        change(&order)
        return .makeDisplay(order)
    }

    static func application(_ change: (inout ApplicationOrder) throws -> Void = { _ in }) throws -> HostRequest {
        var order = ApplicationOrder(
            display: try DisplayNumber(3201), key: .token(), session: SessionNumber(7), account: try account(),
            command: "exec xterm", geometry: .usual, resources: Secret("sessionid 7\n"), parameters: "a: b",
            environment: ["LANG": "C"],
            network: NetworkOrder(
                policy: .allow([try #require(NetworkTarget("hub.example.org:443"))]),
                denied: ["169.254.0.0/16", "fe80::/10", "10.0.0.5"], range: "10.231.0.0/16",
                range6: "fd00:6d77:7e11::/64"), notice: "Your home is full.")
        try change(&order)
        return .startApplication(order)
    }

    static func account(uid: UInt32? = nil, gid: UInt32? = nil, home: String? = nil) throws -> HostRequest {
        .makeHome(
            account: try account {
                $0.uid = uid ?? $0.uid
                $0.gid = gid ?? $0.gid
                $0.home = home ?? $0.home
            })
    }
}

@Suite("what a host is asked is checked by the host itself", .serialized)
struct OrderCheckTests {
    /// One request of each kind that the host does.
    private static func sound() throws -> [HostRequest] {
        let number = try DisplayNumber(3201)
        let account = try Sound.account()
        return [
            .ping, .inventory, .check, .screenshot(display: number), try Sound.display(), try Sound.application(),
            .endDisplay(display: number, patienceSeconds: 5), .account(display: number, key: .token()),
            .message(display: number, key: .token(), text: "x", seconds: 60), .makeHome(account: account),
            .homeUsage(account: account, maxAge: 60), .setQuota(uid: 10001, soft: 0, hard: 1000, home: "/home/alice"),
            .cleanAccount(account: account),
        ]
    }

    /// Requests with one thing in each that no controller of ours asks.
    private static func unsound() throws -> [HostRequest] {
        let number = try DisplayNumber(3201)
        let key = Secret.token()
        let strange = Secret("../../../../etc/shadow")
        let ids: [UInt32] = [0, 1, 33, 999, 65534, .max]
        let homes = [
            "", "/", "home/alice", "/home/alice/", "/home//alice", "/home/./alice", "/home/../etc", "/home/alice/..",
            "/etc", "/etc/cron.d", "/root/.ssh", "/etc/systemd/system/ssh.service.d", "/usr/lib/x", "/dev/shm/x",
            "/proc/1",
            "/sys/x", "/run/maxwell", "/var", "/var/lib", "/var/lib/x", "/var/spool/cron/x", "/bin", "/lib64/x",
            "/home/al\nice", "/home/al\u{1B}ice", "/" + String(repeating: "x", count: 2000),
        ]
        var requests: [HostRequest] = [
            try Sound.display { $0.key = strange }, try Sound.display { $0.depth = 32 },
            try Sound.display { $0.password = Secret("") }, try Sound.display { $0.password = Secret("123456789") },
            try Sound.display { $0.password = Secret("abc\n") },
            .endDisplay(display: number, key: strange, patienceSeconds: 5),
            .endDisplay(display: number, key: key, patienceSeconds: -1),
            .account(display: number, key: strange),
            .message(display: number, key: strange, text: "x", seconds: 60),
            .message(display: number, key: key, text: String(repeating: "x", count: 1025), seconds: 60),
            .message(display: number, key: key, text: "x", seconds: 0),
            .setQuota(uid: 10001, soft: .max, hard: 0, home: "/home/alice"),
            .setQuota(uid: 10001, soft: 0, hard: .max, home: "/home/alice"),
        ]
        requests += try ids.flatMap { id in
            [
                try Sound.account(uid: id), try Sound.account(gid: id), try Sound.display { $0.uid = id },
                .setQuota(uid: id, soft: 0, hard: 0, home: "/home/alice"),
                .cleanAccount(account: try Sound.account { $0.uid = id }),
                .homeUsage(account: try Sound.account { $0.gid = id }, maxAge: 60),
                try Sound.application { $0.account = try Sound.account { $0.uid = id } },
                try Sound.application {
                    $0.account = try Sound.account { $0.groups.append(Account.Group(name: "x", gid: id)) }
                },
            ]
        }
        requests += try homes.flatMap { home in
            [
                try Sound.account(home: home), .setQuota(uid: 10001, soft: 0, hard: 0, home: home),
                .cleanAccount(account: try Sound.account { $0.home = home }),
                try Sound.application { $0.account = try Sound.account { $0.home = home } },
            ]
        }
        return try requests + unsoundApplications()
    }

    private static func unsoundApplications() throws -> [HostRequest] {
        func network(_ change: @escaping (inout NetworkOrder) throws -> Void) throws -> HostRequest {
            try Sound.application {
                guard var order = $0.network else { return }
                try change(&order)
                $0.network = order
            }
        }
        let long = String(repeating: "x", count: 1 << 19 + 1)
        return try [
            Sound.application { $0.key = Secret("") }, Sound.application { $0.session = SessionNumber(0) },
            Sound.application { $0.session = SessionNumber(.max) }, Sound.application { $0.command = "" },
            Sound.application { $0.command = "true\0" }, Sound.application { $0.command = long },
            Sound.application { $0.resources = Secret(long) }, Sound.application { $0.parameters = long },
            Sound.application { $0.parameters = "\0" }, Sound.application { $0.notice = long },
            Sound.application { $0.environment = ["A=B": "C"] }, Sound.application { $0.environment = ["": "C"] },
            Sound.application { $0.environment = ["1A": "C"] }, Sound.application { $0.environment = ["A": "C\0"] },
            Sound.application { $0.environment = ["A": long] },
            Sound.application { order in for name in 0...256 { order.environment["A\(name)"] = "" } },
            Sound.application { $0.limits.memory = -1 }, Sound.application { $0.limits.files = 0 },
            Sound.application { $0.limits.wallTime = .min }, Sound.application { $0.limits.temporary = 0 },
            Sound.application { $0.account = try Sound.account { $0.shell = "sh" } },
            Sound.application { $0.account = try Sound.account { $0.shell = "/bin/../sh" } },
            Sound.application {
                $0.account = try Sound.account { $0.groups = [Account.Group(name: long, gid: 20001)] }
            },
            Sound.application { $0.tree = .folder("apps") }, Sound.application { $0.tree = .folder("/") },
            Sound.application { $0.tree = .folder("/apps/../etc") }, Sound.application { $0.tree = .image("") },
            Sound.application { $0.tree = .image("--privileged") }, Sound.application { $0.tree = .image("a b") },
            Sound.application { $0.tree = .image("a;b") },
            // One that is none does not even decode (``NetworkTarget``).
            network { $0.policy = .allow(Array(repeating: try #require(NetworkTarget("x:1")), count: 65)) },
            network { $0.denied = ["10.0.0.1; flush ruleset"] }, network { $0.denied = ["10.0.0.0/33"] },
            network { $0.range = "10.231.0.0/24" }, network { $0.range = "::/0" }, network { $0.range = "" },
            network { $0.range6 = "10.0.0.0/8" }, network { $0.range6 = "fd00::/80" },
        ]
    }

    @Test("what controllers ask passes, and the rest is refused in one sentence that repeats nothing of it")
    func sentences() throws {
        for request in try Self.sound() { #expect(OrderCheck.fault(in: request) == nil, "\(request)") }
        for request in try Self.unsound() {
            let words = OrderCheck.fault(in: request)
            #expect(words?.hasSuffix(".") ?? false && words?.utf8.count ?? 0 < 100, "\(request)")
            #expect(words?.contains("\n") == false && words?.contains("flush") == false)
        }
    }

    @Test("where links led is held against the same list as what was asked")
    func places() {
        for place in ["/home/alice", "/data/home/alice", "/var/home/alice", "/var/lib/homes/alice", "/alice"] {
            #expect(OrderCheck.fault(ofHome: place) == nil)
        }
        for place in ["/etc/x", "/usr/home/alice", "/var/x", "(unreachable)/home/alice", "/home/al\nice/x", "/"] {
            #expect(OrderCheck.fault(ofHome: place) != nil)
        }
    }

    @Test("whatever the agent is asked beyond its list, it refuses, and nothing has happened")
    func nothingHappens() throws {
        try withAgent { agent in
            let before = names(in: "/etc") + names(in: "/home") + names(in: "/var/lib")
            for request in try Self.unsound() { expectFailure(try agent.ask(request), .refused) }
            #expect(names(in: "/etc") + names(in: "/home") + names(in: "/var/lib") == before)
            #expect(try agent.inventory() == [] && agent.traces(of: DisplayNumber(3201)) == [])
        }
    }

    @Test("a word that no agent knows is refused under its number, and what is no request at all is passed over")
    func unknownWords() throws {
        try withAgent { agent in
            for word in ["{}", #"{"runAsRoot":{"command":"id"}}"#, #"{"makeDisplay":{}}"#, "7", "null"] {
                expectFailure(try agent.ask(line: #"{"id":4711,"request":\#(word)}"#, id: 4711), .refused)
            }
            for line in ["", "{", "[]", #"{"id":"x"}"#, #"{"id":-1,"request":{"ping":{}}}"#, "\u{0}\u{1}\u{2}"] {
                try agent.say(line)
            }
            #expect(try agent.ask(.ping) == .done)
        }
    }

    @Test("a line without an end ends the channel, and the displays live on")
    func endlessLine() throws {
        try withDisplay(3202) { agent, number in
            let part = String(repeating: "x", count: 1 << 20)
            #expect(throws: Agent.Gone.self) {
                for _ in 0..<8 { try agent.say(part, ending: "") }
                _ = try agent.ask(.ping)
            }
            agent.stop()
            try agent.start()
            #expect(agent.hello?.inventory.map(\.display) == [number])
            _ = try agent.end(number)
        }
    }

    @Test("an account with the display server's own uid gets no session there")
    func displaysOwnUID() throws {
        try withDisplay(3203) { agent, number in
            var order = try agent.order("true", on: number, session: 7, geometry: .usual)
            order.account = Account(
                name: order.account.name, uid: 2_003_203, gid: order.account.gid, home: order.account.home,
                shell: order.account.shell, groups: order.account.groups)
            expectFailure(try agent.ask(.startApplication(order)), .refused)
            #expect(agent.file("7/app.log") == "")
            _ = try agent.end(number)
        }
    }
}
