import SessionModel
import Stress

/// What the load asks of the gateway, as a portal does.
enum Word: Sendable, Equatable {
    case start(user: UserName, application: String, isSynthetic: Bool)
    case view(session: UInt64, user: UserName)
    /// For a native viewer, who types it in a password's place.
    case ticket(session: UInt64, user: UserName)
    case stop(session: UInt64)

    /// What a failure calls it.
    var name: String {
        switch self {
        case .start: "start"
        case .view: "view"
        case .ticket: "ticket"
        case .stop: "stop"
        }
    }
}

/// What the gateway answers.
enum WordAnswer: Sendable {
    case started(UInt64)
    case view(Door)
    case ticket(Secret)
    case stopped
}

/// Where a view is, and what opens it.
struct Door: Sendable, Equatable {
    /// As the gateway tells viewers.
    var host: String
    /// Viewers' port, and browsers'.
    var address: Address
    var browserAddress: Address
    var token: Secret
    /// The display's password for VncAuth.
    var password: Secret?
}

/// Why a word failed.
struct WordFailure: Error, Sendable, Equatable {
    /// What many failures have in common, without numbers.
    var kind: String
    var example: String
    /// Whether it may succeed in a moment.
    var isPassing: Bool

    /// As the run tells it, with the word it was.
    func told(of word: Word) -> Observation.Failure { .init("\(word.name): \(kind)", example) }

    /// A failure in a person's sentence: what differs from one to the next is left out of its kind.
    init(sentence: String, isPassing: Bool) {
        var kind = ""
        for word in sentence.split(separator: " ") {
            // Numbers and names with numbers: sessions, users, displays.
            let isPlain = !word.utf8.contains { (48...57).contains($0) }
            kind += (kind.isEmpty ? "" : " ") + (isPlain ? word : "…")
        }
        self.init(kind: kind, example: sentence, isPassing: isPassing)
    }

    init(kind: String, example: String, isPassing: Bool) {
        (self.kind, self.example, self.isPassing) = (kind, example, isPassing)
    }
}

/// How words are said to the gateway.
protocol GatewayWords: Sendable {
    /// Another one who says them, one at a time and blocking: each thread has its own.
    func speaker() -> any Speaker
}

/// Says one word after the other, each to its answer.
protocol Speaker: AnyObject {
    func say(_ word: Word) throws(WordFailure) -> WordAnswer
}
