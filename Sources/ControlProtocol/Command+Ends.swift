import SessionModel

/// The words that end sessions later than at once, or give them more time.
extension Command {
    /// `stop` with an option. Without one it is the portal's word, which ends a session at once.
    static func stopLater(_ arguments: [String]) throws(Refusal) -> Command {
        let given = try WordArguments(
            arguments, of: "stop", shape: .init(plain: 1...1, flags: ["--notice"], options: ["--in"]))
        let session = try PortalWords.session(given.plain[0])
        guard let time = given.options["--in"] else {
            return .ask(.stop(session: session, delay: .standard), asJSON: false)
        }
        guard given.flags.isEmpty else {
            throw .usage("'--notice' and '--in' both say when; please give one of them.")
        }
        return .ask(.stop(session: session, delay: .seconds(try seconds(time))), asJSON: false)
    }

    static func extend(_ arguments: [String]) throws(Refusal) -> Command {
        let plain = try WordArguments(arguments, of: "extend", shape: .init(plain: 1...2)).plain
        let session = try PortalWords.session(plain[0])
        return .ask(.extend(session: session, seconds: plain.count > 1 ? try seconds(plain[1]) : nil), asJSON: false)
    }

    static func reap(_ arguments: [String]) throws(Refusal) -> Command {
        let flags = try WordArguments(arguments, of: "reap", shape: .init(flags: ["--dry-run", "--json"])).flags
        return .ask(.reap(dryRun: flags.contains("--dry-run")), asJSON: flags.contains("--json"))
    }
}
