import ControlSocket
import Glibc
import ServiceAccount
import SessionModel
import ViewRelay

ConnectionPages.use()
let program = OwnCommand.program()
let arguments = Arguments.parseOrExit()
do {
    let place = try Place(arguments)
    // These are taken here and nowhere else.
    var signals = sigset_t()
    sigemptyset(&signals)
    for signal in [SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2] { sigaddset(&signals, signal) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    signal(SIGPIPE, SIG_IGN)
    // Ports and keys are opened as root, then never again as root.
    let inheritance = try arguments.inherit.map { descriptor throws(RelayStartError) in
        try Inheritance(from: descriptor)
    }
    let doors = try inheritance?.doors ?? ListeningSocket.open(place.relay.listen, native: place.relay.nativeListen)
    let relay = try Relay(
        place.relay, doors: doors, inheritance: inheritance, program: program, arguments: OwnCommand.arguments())
    if let user = place.user { try becomeServiceAccount(user) }
    try relay.start()
    noticeService("READY=1")
    var successor: pid_t?
    while true {
        var patience = timespec(tv_sec: relay.isHandingOver ? 0 : 1, tv_nsec: relay.isHandingOver ? 20_000_000 : 0)
        let number = sigtimedwait(&signals, nil, &patience)
        switch number {
        case SIGHUP: relay.renewCertificates()
        case SIGUSR1: relay.tellCounts()
        case SIGUSR2: relay.handOver()
        default: break
        }
        let hasLeft = relay.look()
        if successor == nil, let pid = relay.successor {
            successor = pid
            noticeService("MAINPID=\(pid)")
        }
        if hasLeft || number == SIGTERM || number == SIGINT { break }
    }
    relay.stop()
} catch {
    let known = error as? any UserFacingError
    let line = Array("maxwell-relay: \(known.map { $0.operatorCause ?? $0.userMessage } ?? "\(error)")\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
    exit(known?.exitStatus.rawValue ?? ExitStatus.configuration.rawValue)
}
