import Glibc
import ViewRelay

do {
    let options = try RelayOptions(Array(CommandLine.arguments.dropFirst()))
    let configuration = try options.configuration()
    // SIGTERM and SIGINT are taken here and nowhere else.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGTERM)
    sigaddset(&signals, SIGINT)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    signal(SIGPIPE, SIG_IGN)
    let listener = try ListeningSocket.open(configuration.listen)
    let relay = try Relay(configuration, listener: listener)
    if let user = options.user { try dropPrivileges(to: user) }
    relay.start()
    var number: Int32 = 0
    sigwait(&signals, &number)
    relay.stop()
} catch {
    let line = Array("maxwell-relay: \(error)\n".utf8)
    _ = write(2, line, line.count)
    exit(78)
}
