import ControlProtocol
import ControlSocket
import SessionModel
import ViewClient

/// Words said on the control socket.
struct SocketWords: GatewayWords {
    /// The control socket's path.
    let path: String
    private let book: AddressBook

    /// Words for the controller at `path`; `relay` is where viewers go, where that is not what it tells them.
    init(path: String, relay: (host: String, port: Int)? = nil) {
        self.path = path
        book = AddressBook(relay: relay)
    }

    func speaker() -> any Speaker { SocketSpeaker(path, book) }
}

/// One connection to the controller, made anew when it broke.
final class SocketSpeaker: Speaker {
    /// Seconds that an answer may take: a start on a machine that is full takes its time.
    static let patience = 120

    private let controller: ControllerLine
    private let book: AddressBook

    init(_ path: String, _ book: AddressBook) {
        controller = ControllerLine(path, patience: Self.patience)
        self.book = book
    }

    func say(_ word: Word) throws(WordFailure) -> WordAnswer {
        switch (word, try ask(try Self.request(word))) {
        case (_, .refused(let refusal)):
            throw WordFailure(sentence: refusal.userMessage, isPassing: refusal.exitStatus == .tryAgain)
        case (.start, .started(let session)): return .started(session.value)
        case (.view, .view(let view)): return .view(try door(view))
        case (.ticket, .ticket(let ticket)): return .ticket(ticket.ticket)
        case (.stop, .done): return .stopped
        default: throw WordFailure(kind: "an answer to something else", example: "\(word)", isPassing: false)
        }
    }

    private func ask(_ request: ControlRequest) throws(WordFailure) -> ControlReply {
        do throws(ControlSocketError) {
            return try controller.ask(request)
        } catch {
            throw WordFailure(sentence: error.userMessage, isPassing: error.exitStatus == .tryAgain)
        }
    }

    private static func request(_ word: Word) throws(WordFailure) -> ControlRequest {
        switch word {
        case .start(let user, let application, let isSynthetic):
            guard let application = try? ApplicationName(application) else {
                throw WordFailure(kind: "no application's name", example: application, isPassing: false)
            }
            return StressOrders.start(user, application, isSynthetic: isSynthetic)
        case .view(let session, let user):
            return .view(
                ViewOrder(
                    session: SessionNumber(session), user: user, address: StressOrders.address, readOnly: false))
        case .ticket(let session, let user): return .ticket(TicketOrder(session: SessionNumber(session), user: user))
        case .stop(let session): return .stop(session: SessionNumber(session), delay: nil)
        }
    }

    private func door(_ view: ViewAnswer) throws(WordFailure) -> Door {
        let words = view.connect.exposed
        return try book.door(
            view.host, view.port, browserPort: view.browserPort,
            token: Secret(String(words.dropFirst(words.hasPrefix("vncsession:") ? 11 : 0))),
            password: VNCPassword.revealed(view.encpassword))
    }
}
