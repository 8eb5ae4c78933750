import ArgumentParser

/// The command line; `deploy/bench-relay` writes it.
struct Arguments: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "maxwell-bench-relay", abstract: "Measures TLS relays, one after the other on one core.")

    @Option(help: "A file with a line NAME WAY PORT TOKEN COMMAND… for each relay.")
    var contestants: String
    @Option(help: "The port the relays lead to.")
    var back: UInt16
    @Option(help: "The same for those that read RFB.")
    var rfb: UInt16
    @Option(help: "The core the relays run on.")
    var core: Int
    @Option(help: "The folder for what they say.")
    var log: String
    @Option(help: "What this machine is, for the heading.")
    var machine = ""
    @Option(help: "What is measured in which version, for the heading.")
    var versions = ""
    @Option(help: "Interleaved repetitions.")
    var repetitions = 3
    @Flag(help: "One short repetition.")
    var quick = false
    @Option(help: "A file for all figures.")
    var json: String?
    @Option(help: "Only these relays.")
    var only: String?
    @Option(help: "Only these tests.")
    var tests: String?

    func validate() throws {
        guard (1...99).contains(repetitions) else { throw ValidationError("--repetitions: expected 1-99") }
        for name in names(tests) where Test(rawValue: name) == nil {
            throw ValidationError("--tests: there is no \(name)")
        }
    }

    /// The names in a list with commas.
    func names(_ list: String?) -> [String] { list?.split(separator: ",").map(String.init) ?? [] }
}
