import ChildPrograms
import FoundationEssentials
import Glibc
import SessionModel
import ViewClient

/// Words said by running `maxwell`, as a portal does.
struct CommandWords: GatewayWords {
    /// The program's path.
    let program: String
    private let book: AddressBook

    /// Words for the program; `relay` is where viewers go, where that is not what it tells them.
    init(program: String, relay: (host: String, port: Int)? = nil) {
        self.program = program
        book = AddressBook(relay: relay)
    }

    func speaker() -> any Speaker { CommandSpeaker(program, book) }
}

/// Runs one command after the other.
final class CommandSpeaker: Speaker {
    private let program: String
    private let book: AddressBook

    init(_ program: String, _ book: AddressBook) {
        self.program = program
        self.book = book
    }

    func say(_ word: Word) throws(WordFailure) -> WordAnswer {
        let (output, status) = try run(Self.arguments(word))
        let text = String(decoding: output, as: UTF8.self)
        guard status == 0 else {
            let sentence = text.split(separator: "\n").first.map(String.init) ?? "status \(status)"
            throw WordFailure(sentence: sentence, isPassing: status == ExitStatus.tryAgain.rawValue)
        }
        switch word {
        case .start:
            // "Session is 12".
            guard let number = text.split(separator: "\n").first?.split(separator: " ").last.flatMap({ UInt64($0) })
            else { throw Self.unreadable(word, text) }
            return .started(number)
        case .view:
            guard let view = try? JSONDecoder().decode(View.self, from: Data(output)) else {
                throw Self.unreadable(word, text)
            }
            return .view(
                try book.door(
                    view.host, view.port, browserPort: view.wsproxy_port, token: Secret(view.token),
                    password: VNCPassword.revealed(view.encpassword)))
        case .ticket:
            guard let ticket = try? JSONDecoder().decode(Ticket.self, from: Data(output)) else {
                throw Self.unreadable(word, text)
            }
            return .ticket(Secret(ticket.ticket))
        case .stop: return .stopped
        }
    }

    /// What `maxwell view` prints, as far as a viewer needs it.
    private struct View: Decodable {
        let host: String
        let port: Int
        let encpassword: String
        let token: String
        let wsproxy_port: Int
    }

    /// What `maxwell ticket --json` prints.
    private struct Ticket: Decodable {
        let ticket: String
    }

    /// The portal's words; the mark is one key more.
    static func arguments(_ word: Word) -> [String] {
        switch word {
        case .start(let user, let application, let isSynthetic):
            [
                "start", "user=\(user)", "ip=\(StressOrders.address)", "app=\(application)",
                "stress=\(isSynthetic ? "synthetic" : "yes")",
            ]
        case .view(let session, let user):
            ["view", "user=\(user)", "ip=\(StressOrders.address)", "sess=\(session)"]
        case .ticket(let session, let user): ["ticket", "\(session)", "user=\(user)", "--json"]
        case .stop(let session): ["stop", "\(session)"]
        }
    }

    private static func unreadable(_ word: Word, _ text: String) -> WordFailure {
        // An answer may hold a token: its length says enough.
        WordFailure(
            kind: "an answer that cannot be read", example: "\(word.name): \(text.utf8.count) bytes", isPassing: false)
    }

    /// What the program writes, standard output and standard error in one as hubs have it, and its exit status.
    private func run(_ arguments: [String]) throws(WordFailure) -> (output: [UInt8], status: Int32) {
        do throws(SpawnError) {
            let running = try ChildProgram([program] + arguments)
            let ending = running.wait()
            return (running.output, ending.status)
        } catch {
            switch error {
            case .noPipe(let errno):
                throw WordFailure(
                    kind: "no descriptor is left", example: String(cString: strerror(errno)), isPassing: true)
            case .notStarted(let errno):
                throw WordFailure(
                    kind: "the program cannot be started", example: "\(program): \(String(cString: strerror(errno)))",
                    isPassing: errno == EAGAIN)
            }
        }
    }
}
