import ArgumentParser
import SessionModel

/// The command line: what it names comes before the settings file.
struct Arguments: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "maxwell-relay", abstract: "The one TLS port of a Maxwell gateway.",
        discussion: """
            Without --config and without a settings file it runs on what the other options say: --cert and --key are \
            needed then.
            """, version: maxwellVersion)

    @Option(help: "The settings file; $MAXWELL_CONFIG or /etc/maxwell/maxwell.yaml unless --cert is given.")
    var config: String?
    @Option(help: "ADDRESS:PORT to listen on instead of relay.listen and relay.browser_listen; may be repeated.")
    var listen: [String] = []
    @Option(help: "The certificate chain, for everything that starts with TLS.")
    var cert: String?
    @Option(help: "Its key.")
    var key: String?
    @Option(help: "The self-signed certificate for the TLS after a CONNECT in clear.")
    var directCert: String?
    @Option(help: "Its key.")
    var directKey: String?
    @Option(help: "maxwell-web's Unix socket.")
    var webSocket: String?
    @Option(help: "The controller's Unix socket.")
    var controlSocket: String?
    @Option(help: "A file that says where tokens lead; no controller is asked then. See maxwell-relay(8).")
    var routes: String?
    @Option(help: "The account to become once the port is bound.")
    var user: String?
    @Option(help: "Threads that serve viewers, 1-64.")
    var loops: Int?
    @Option(help: "Seconds a connection may take to finish TLS, 1-600.")
    var tlsTimeout: Int?
    @Option(help: "Seconds a connection may take to say what it wants, 1-600.")
    var openingTimeout: Int?

    @Option(help: "Seconds a relay that handed over serves the viewers it has, 1-31536000.")
    var leavingTimeout: Int?
    @Option(help: "Connections at a time; 0: as many as descriptors allow.")
    var mostConnections: Int?
    @Option(help: "Connections at a time from one address; 0: no limit.")
    var mostPerSource: Int?
    @Option(help: "Connections at a time that have not said what they want, 1-1000000.")
    var mostOpening: Int?
    @Option(help: ArgumentHelp("The descriptor a predecessor hands over on.", visibility: .private))
    var inherit: Int32?

    func validate() throws {
        guard (1...64).contains(loops ?? 1) else { throw ValidationError("--loops: expected 1-64") }
        guard (1...600).contains(tlsTimeout ?? 1) else { throw ValidationError("--tls-timeout: expected 1-600") }
        guard (1...600).contains(openingTimeout ?? 1) else {
            throw ValidationError("--opening-timeout: expected 1-600")
        }
        guard (1...31_536_000).contains(leavingTimeout ?? 1) else {
            throw ValidationError("--leaving-timeout: expected 1-31536000")
        }
        guard (0...1_000_000).contains(mostConnections ?? 0), (0...1_000_000).contains(mostPerSource ?? 0),
            (1...1_000_000).contains(mostOpening ?? 1)
        else { throw ValidationError("--most-connections, --most-per-source, --most-opening: expected 0-1000000") }
        guard (cert == nil) == (key == nil) else { throw ValidationError("--cert and --key go together") }
        guard (directCert == nil) == (directKey == nil) else {
            throw ValidationError("--direct-cert and --direct-key go together")
        }
    }
}
