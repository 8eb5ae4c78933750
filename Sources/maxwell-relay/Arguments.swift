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
    @Option(help: "The account to become once the port is bound.")
    var user: String?
    @Option(help: "Threads that serve viewers, 1-64.")
    var loops: Int?
    @Option(help: "Seconds a connection may take to say what it wants, 1-600.")
    var openingTimeout: Int?

    func validate() throws {
        guard (1...64).contains(loops ?? 1) else { throw ValidationError("--loops: expected 1-64") }
        guard (1...600).contains(openingTimeout ?? 1) else {
            throw ValidationError("--opening-timeout: expected 1-600")
        }
        guard (cert == nil) == (key == nil) else { throw ValidationError("--cert and --key go together") }
        guard (directCert == nil) == (directKey == nil) else {
            throw ValidationError("--direct-cert and --direct-key go together")
        }
    }
}
