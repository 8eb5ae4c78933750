import Glibc
import ServiceAccount
import SessionModel
import ViewRelay

let arguments = Arguments.parseOrExit()
do {
    let place = try Place(arguments)
    // These three are taken here and nowhere else.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGTERM)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGUSR1)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    signal(SIGPIPE, SIG_IGN)
    // Port and keys are opened as root, then never again.
    let doors = try ListeningSocket.open(place.relay.listen)
    let relay = try Relay(place.relay, doors: doors)
    if let user = place.user { try becomeServiceAccount(user) }
    try relay.start()
    var number: Int32 = 0
    while sigwait(&signals, &number) == 0, number == SIGUSR1 { relay.tellCounts() }
    relay.stop()
} catch {
    let known = error as? any UserFacingError
    let line = Array("maxwell-relay: \(known.map { $0.operatorCause ?? $0.userMessage } ?? "\(error)")\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
    exit(known?.exitStatus.rawValue ?? ExitStatus.configuration.rawValue)
}
