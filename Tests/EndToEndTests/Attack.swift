import Foundation
import Testing
import ViewClient

/// What an attack told of itself: everything between its braces.
struct Told: Decodable {
    indirect enum Value: Decodable {
        case text(String), number(Int), list([Value]), object([String: Value])

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                self = .text(text)
            } else if let number = try? container.decode(Int.self) {
                self = .number(number)
            } else if let list = try? container.decode([Value].self) {
                self = .list(list)
            } else {
                self = .object(try container.decode([String: Value].self))
            }
        }

        var text: String? { if case .text(let text) = self { text } else { nil } }
        var number: Int? { if case .number(let number) = self { number } else { nil } }
        var list: [Value] { if case .list(let list) = self { list } else { [] } }
        var object: [String: Value] { if case .object(let object) = self { object } else { [:] } }
        var texts: [String] { list.compactMap(\.text) }
    }

    let told: Value

    subscript(_ key: String) -> Value { told.object[key] ?? .object([:]) }

    /// The attempts below `key`, or all of them, that did not fail with one of `errors`.
    func successes(
        _ key: String? = nil, besides errors: Set<String> = ["ENOENT", "EACCES", "EPERM"]
    ) -> [String: String] {
        let attempts = key.map { self[$0] } ?? told
        return attempts.object.compactMapValues(\.text).filter { !errors.contains($0.value) }
    }
}

/// What a hostile user runs as the application of a session.
struct Attack {
    /// The user who attacks.
    var user = "alice"
    /// A function of attacks.py.
    let name: String
    /// What it is told.
    var facts: [String: Any] = [:]
    /// Lines of its application's description.
    var yaml = ""

    /// The folder of a user's home, which is the same for everyone who mounts it.
    static func home(of user: String) throws -> URL {
        URL(fileURLWithPath: try Gateway.setting("MAXWELL_ALICE_HOME")).deletingLastPathComponent()
            .appendingPathComponent(user)
    }

    /// Brings the attack into the home, and describes an application that is it, for as long as `body` runs.
    func prepared(_ body: (String) throws -> Void) throws {
        let mark = "attack-" + UUID().uuidString.prefix(8).lowercased()
        let home = try Self.home(of: user)
        let program = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("attacks.py")
        let copies = ["py", "json"].map { home.appendingPathComponent("\(mark).\($0)") }
        try Data(contentsOf: program).write(to: copies[0])
        try JSONSerialization.data(withJSONObject: facts).write(to: copies[1])
        defer { for copy in copies { try? FileManager.default.removeItem(at: copy) } }
        for copy in copies {
            guard chmod(copy.path, 0o644) == 0 else { throw Missing(description: "chmod \(copy.path)") }
        }
        let command = "exec python3 $HOME/\(mark).py \(name) $HOME/\(mark).json"
        try Gateway.withApplication(mark, yaml, command: command) { try body(mark) }
    }

    /// Runs the attack to its end in a session of its user's.
    func run(within patience: Duration = .seconds(60)) throws -> Told {
        var told: Told?
        try prepared { application in
            let number = try Gateway.start(user: user, app: application)
            defer { _ = try? Gateway.maxwell("stop", number) }
            try Gateway.eventually("\(name) has ended", within: patience) {
                try Gateway.sql("SELECT sessnum FROM session WHERE sessnum = \(number)").isEmpty
            }
            told = try Self.told(number, of: user)
        }
        guard let told else { throw Missing(description: "\(name) told nothing") }
        return told
    }

    /// What the attack that was session `number` of `user` wrote.
    static func told(_ number: String, of user: String = "alice") throws -> Told {
        let folder = try home(of: user).appendingPathComponent("data/sessions")
        var text = ""
        // The directory is renamed when the session has ended.
        for name in ["\(number)-mine", "\(number)-expired", number] where text.isEmpty {
            text = (try? String(contentsOf: folder.appendingPathComponent("\(name)/app.log"), encoding: .utf8)) ?? ""
        }
        guard let line = text.split(separator: "\n").last(where: { $0.hasPrefix("{\"attack\"") }) else {
            throw Missing(description: "the attack said: \(text)")
        }
        return try JSONDecoder().decode(Told.self, from: Data(line.utf8))
    }
}

/// A session of somebody else's that an attack must not reach, and who watches it.
struct Victim {
    let number: String
    let host: String
    let display: Int
    let key: String
    let viewer: Viewer
    /// What runs of its display, by the machine's process numbers.
    let processes: [pid_t]

    /// What an attacker is told of it.
    var facts: [String: Any] { ["session": number, "host": host, "display": display, "key": key] }

    private init(_ number: String) throws {
        self.number = number
        let row = try Gateway.sql(
            "SELECT hostname, dispnum, link_key FROM mw_display WHERE sessnum = \(number)"
        ).joined().split(separator: "\t").map(String.init)
        guard row.count == 3, let display = Int(row[1]) else { throw Missing(description: "\(number) has no display") }
        (host, self.display, key) = (row[0], display, row[2])
        viewer = try Gateway.viewer(number, user: "bob")
        _ = try viewer.frame { $0.distinctColours > 1 }
        let host = self.host
        processes = try Gateway.hostParts().filter { $0.host == host && $0.display == display }.map(\.id).sorted()
    }

    /// A session of bob's on each of `hosts` for as long as `body` runs; afterwards they are as they were.
    static func with(on hosts: Set<String> = ["exec1", "exec2"], _ body: ([Victim]) throws -> Void) throws {
        var numbers: [String] = []
        defer { for number in numbers { _ = try? Gateway.maxwell("stop", number) } }
        var victims: [Victim] = []
        while Set(victims.map(\.host)) != hosts {
            guard numbers.count < 8 else { throw Missing(description: "sessions do not come to \(hosts)") }
            let number = try Gateway.start(user: "bob")
            numbers.append(number)
            let victim = try Victim(number)
            if hosts.contains(victim.host), !victims.contains(where: { $0.host == victim.host }) {
                victims.append(victim)
            }
        }
        try body(victims)
        for victim in victims { try victim.expectUnharmed() }
    }

    /// It is there as it was, and shows what is typed.
    func expectUnharmed(sourceLocation: SourceLocation = #_sourceLocation) throws {
        let now = try Gateway.hostParts().filter { $0.host == host && $0.display == display }.map(\.id)
        #expect(Set(processes).isSubset(of: now), sourceLocation: sourceLocation)
        let state = try Gateway.sql("SELECT state FROM mw_session WHERE sessnum = \(number)")
        #expect(state == ["running"], sourceLocation: sourceLocation)
        for (colour, shown) in [(1, red), (2, green)] {
            try viewer.paintTerminal(colour)
            let picture = try viewer.frame { $0.count(of: shown) > 10_000 }
            #expect(picture.count(of: shown) > 10_000, sourceLocation: sourceLocation)
        }
    }
}
