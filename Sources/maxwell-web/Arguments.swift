import ArgumentParser
import SessionModel

/// The gateway's pages, behind the relay.
struct Arguments: ParsableArguments {
    @Option(help: "The settings file; $MAXWELL_CONFIG or /etc/maxwell/maxwell.yaml unless given.")
    var config: String?
    @Option(help: "Listen on this Unix socket instead of web.socket.")
    var socket: String?
    @Option(help: "Take noVNC's files from this folder instead of web.novnc.")
    var novnc: String?
    @Option(help: "Become this user; started as root, the default is web.user.")
    var user: String?
    @Flag(help: "Print the version and end.")
    var version = false
}
