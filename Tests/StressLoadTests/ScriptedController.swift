import ControlProtocol
import ControlSocket
import Foundation
import SessionModel
import Synchronization
import TestServers

/// A controller that grants everything, on a real control socket.
final class ScriptedController: Sendable {
    struct Account: Sendable {
        var starts: [StartOrder] = []
        var views: [ViewOrder] = []
        var tickets: [TicketOrder] = []
        var stops: [UInt64] = []
        var pages = 0
        var cleanings = 0
    }

    let path: String
    /// Rows of the ledger.
    let rows = Mutex<[StressView]>([])
    /// Users whose start is granted, and whose answer never comes.
    let unheard = Mutex<Set<String>>([])
    /// Whether what is left stays, however often it is cleaned.
    let isStuck = Mutex(false)
    private let port: Int
    private let account = Mutex(Account())
    private let folder: PrivateFolder
    private let door = Mutex<UnixDoor?>(nil)

    init(port: Int) throws {
        self.port = port
        folder = try PrivateFolder(prefix: "mwsc")
        path = folder.file("s")
        let door = try UnixDoor(path: path) { [weak self] peer in
            var lines = ControlLines()
            var room = [UInt8](repeating: 0, count: 65536)
            while true {
                let count = recv(peer, &room, room.count, 0)
                guard count > 0 else { return }
                lines.append(room[..<count])
                while let line = try? lines.next() {
                    guard let self, let frame = try? ControlLines.frame(in: line, of: ControlRequest.self),
                        let reply = try? ControlLines.line(of: ControlFrame(id: frame.id, body: answer(frame.body)))
                    else { return }
                    send(peer, reply, reply.count, Int32(MSG_NOSIGNAL))
                }
            }
        }
        self.door.withLock { $0 = door }
    }

    func stop() {
        door.withLock { $0?.stop() }
        folder.remove()
    }

    var said: Account { account.withLock { $0 } }

    private func answer(_ request: ControlRequest) -> ControlReply {
        switch request {
        case .start(let order):
            let number = account.withLock { account in
                account.starts.append(order)
                return UInt64(account.starts.count)
            }
            guard !unheard.withLock({ $0.contains(order.user.text) }) else {
                return .refused(Refusal("The session service stopped before it answered 7.", .tryAgain))
            }
            return .started(SessionNumber(number))
        case .view(let order):
            account.withLock { $0.views.append(order) }
            return .view(
                ViewAnswer(
                    session: order.session, width: 640, height: 480, host: "127.0.0.1", port: port, browserPort: port,
                    encpassword: VNCPassword.obfuscated(Secret(RelayRig.password)),
                    connect: Secret("vncsession:" + RelayRig.token(order.session.value).exposed), readOnly: false))
        case .ticket(let order):
            account.withLock { $0.tickets.append(order) }
            return .ticket(
                TicketAnswer(
                    session: order.session, ticket: RelayRig.token(order.session.value), address: Secret("x"),
                    seconds: order.seconds))
        case .stop(let session, _):
            account.withLock { $0.stops.append(session.value) }
            return .done("")
        case .hosts:
            return .hosts([
                HostLine(
                    host: "exec1", status: "up", connected: true, isolation: "container", uses: 3, maximumUses: 0,
                    zone: "z", agentVersion: "1", ready: 2, readyGL: 1, memory: 4096, load: 0.5)
            ])
        case .counters: return .counters(["database statements": 42, "stress.running": 2, "stress.ended": 9])
        case .sessions(let user):
            let starts = account.withLock { $0.starts }
            let lines = starts.enumerated().map { index, order in
                SessionLine(
                    session: SessionNumber(UInt64(index + 1)), user: order.user.text, application: "xterm",
                    host: "exec1", display: 1, state: "running", age: 1, viewers: 0)
            }
            return .sessions(user.map { user in lines.filter { $0.user == user.text } } ?? lines)
        case .stress(.ledger(let after, let count)):
            account.withLock { $0.pages += 1 }
            let rows = rows.withLock { $0 }.filter { row in after.map { row.session > $0 } ?? true }
            return .stressLedger(Array(rows.prefix(count)))
        case .stress(.leftovers):
            let isClean = said.cleanings > 1 && !isStuck.withLock { $0 }
            return .stressLeftovers(
                isClean
                    ? [] : [StressLeftover("1 session of load tests is ending", isOfARun: true)])
        case .stress(.clean):
            account.withLock { $0.cleanings += 1 }
            return .stressCleaned(sessions: 3, rows: 10)
        default: return .refused(Refusal("No.", .usage))
        }
    }
}
