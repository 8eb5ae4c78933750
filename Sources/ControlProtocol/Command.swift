import SessionModel

/// What a command line of `maxwell` means.
public enum Command: Equatable, Sendable {
    /// Ask the controller and print its answer.
    case ask(ControlRequest, asJSON: Bool)
    /// Read `user`'s password, then ask.
    case login(user: UserName)
    /// Become another program of ours from the same folder.
    case become(program: String, arguments: [String])
    /// Print this.
    case tell(String)

    /// The command that `arguments` mean, the program's name left out.
    public init(_ arguments: [String]) throws(Refusal) {
        guard let word = arguments.first else {
            throw .usage("Please say what to do; 'maxwell --help' lists the words.")
        }
        if arguments.count == 2, arguments[1] == "--help", let text = HelpText.of(word) {
            self = .tell(text)
        } else if word == "stop", arguments.contains(where: { $0.hasPrefix("--") }) {
            self = try Self.stopLater(Array(arguments.dropFirst()))
        } else if let request = try PortalWords.request(arguments) {
            self = .ask(request, asJSON: false)
        } else {
            self = try Self.ofPeople(word, Array(arguments.dropFirst()))
        }
    }

    private static func ofPeople(_ word: String, _ rest: [String]) throws(Refusal) -> Command {
        let list = WordArguments.Shape(flags: ["--json"])
        switch word {
        case "--help", "help", "-h": return .tell(HelpText.overview)
        case "--version": return .tell("maxwell \(maxwellVersion)\n")
        case "sessions":
            let given = try WordArguments(rest, of: word, shape: .init(keys: ["user"], flags: ["--json"]))
            var user: UserName?
            if let name = given.keys["user"] {
                user = try Refusal.parsed("user") { () throws(MalformedName) in try UserName(name) }
            }
            return .ask(.sessions(user: user), asJSON: given.flags.contains("--json"))
        case "why":
            let given = try WordArguments(rest, of: word, shape: .init(plain: 1...1, flags: ["--json"]))
            let session = try PortalWords.session(given.plain[0])
            return .ask(.why(session: session), asJSON: given.flags.contains("--json"))
        case "quota":
            let given = try WordArguments(rest, of: word, shape: .init(plain: 0...1, flags: ["--json"]))
            let user = try given.plain.first.map { name throws(Refusal) in
                try Refusal.parsed("USER") { () throws(MalformedName) in try UserName(name) }
            }
            return .ask(.quota(user: user), asJSON: given.flags.contains("--json"))
        case "extend": return try extend(rest)
        case "reap": return try reap(rest)
        case "hosts":
            return .ask(.hosts, asJSON: try WordArguments(rest, of: word, shape: list).flags.contains("--json"))
        case "apps":
            return .ask(.applications, asJSON: try WordArguments(rest, of: word, shape: list).flags.contains("--json"))
        case "counters":
            return .ask(.counters, asJSON: try WordArguments(rest, of: word, shape: list).flags.contains("--json"))
        case "ping":
            _ = try WordArguments(rest, of: word, shape: .init())
            return .ask(.ping, asJSON: false)
        case "host": return try host(rest)
        case "login":
            let name = try WordArguments(rest, of: word, shape: .init(plain: 1...1)).plain[0]
            return .login(user: try Refusal.parsed("USER") { () throws(MalformedName) in try UserName(name) })
        case "ticket": return try ticket(rest)
        case "bench": return .become(program: "maxwell-bench", arguments: rest)
        case "stress": return .become(program: "maxwell-stress", arguments: rest)
        case "migrate": return .become(program: "maxwelld", arguments: ["--migrate"] + rest)
        default: throw unknown(word)
        }
    }

    private static func host(_ arguments: [String]) throws(Refusal) -> Command {
        let word = arguments.first ?? ""
        if word == "add" { return .become(program: "maxwell-admin", arguments: ["host"] + arguments) }
        guard let status = HostStatus(rawValue: word), status != .check else {
            throw .usage("'maxwell host' is followed by 'add', 'up', 'down' or 'drain' and a host's name.")
        }
        let given = try WordArguments(
            Array(arguments.dropFirst()), of: "host", shape: .init(plain: 1...1, options: ["--end"]))
        let host = try Refusal.parsed("NAME") { () throws(MalformedName) in try HostName(given.plain[0]) }
        let end = try given.options["--end"].map(seconds)
        guard end == nil || status == .drain else {
            throw .usage("'--end' goes with 'maxwell host drain' only: 'up' and 'down' end no session.")
        }
        return .ask(.setHostStatus(host: host, status: status, endAfter: end), asJSON: false)
    }

    private static func ticket(_ arguments: [String]) throws(Refusal) -> Command {
        let given = try WordArguments(
            arguments, of: "ticket",
            shape: .init(
                keys: ["user"], plain: 1...1, flags: ["--read-only", "--once", "--json"], options: ["--for"]))
        var order = TicketOrder(
            session: try PortalWords.session(given.plain[0]), once: given.flags.contains("--once"),
            readOnly: given.flags.contains("--read-only"))
        if let name = given.keys["user"] {
            order.user = try Refusal.parsed("user") { () throws(MalformedName) in try UserName(name) }
        }
        if let time = given.options["--for"] { order.seconds = try seconds(time) }
        return .ask(.ticket(order), asJSON: given.flags.contains("--json"))
    }

    /// `90s`, `10m`, `2h`, `1d`; a plain number is seconds. One second to 30 days.
    static func seconds(_ text: String) throws(Refusal) -> Int {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86400]
        let unit = text.last.flatMap { units[$0] }
        let digits = unit == nil ? text[...] : text.dropLast()
        guard digits.utf8.count <= 9, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = Int(digits),
            (1...30 * 86400).contains(count * (unit ?? 1))
        else { throw .usage("A time is written 90s, 10m, 2h or 1d, and is 30 days at most.") }
        return count * (unit ?? 1)
    }

    private static func unknown(_ word: String) -> Refusal {
        guard (1...32).contains(word.utf8.count), word.utf8.allSatisfy(WordArguments.isWordByte) else {
            return .usage("That is not a word of maxwell; 'maxwell --help' lists them.")
        }
        let (nearest, distance) = closest(to: word, among: HelpText.words)
        return distance <= 3
            ? .usage("There is no 'maxwell \(word)'; did you mean 'maxwell \(nearest)'?")
            : .usage("There is no 'maxwell \(word)'; the closest is 'maxwell \(nearest)', and --help lists them all.")
    }

    /// The word with the fewest letters to change, add or drop (Levenshtein's distance).
    private static func closest(to word: String, among words: [String]) -> (word: String, distance: Int) {
        var best = (word: "--help", distance: Int.max)
        for candidate in words {
            let letters = Array(candidate.utf8)
            var row = Array(0...letters.count)
            for (line, byte) in word.utf8.enumerated() {
                var diagonal = row[0]
                row[0] = line + 1
                for column in letters.indices {
                    let kept = diagonal + (letters[column] == byte ? 0 : 1)
                    diagonal = row[column + 1]
                    row[column + 1] = min(kept, diagonal + 1, row[column] + 1)
                }
            }
            if row[letters.count] < best.distance { best = (candidate, row[letters.count]) }
        }
        return best
    }
}
