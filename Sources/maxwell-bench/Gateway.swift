import FoundationEssentials
import SessionModel

/// The gateway as people and portals ask it: by the `maxwell` command.
struct Gateway {
    /// The path of `maxwell`.
    let command: String
    let user: String
    let application: String

    /// The words of a start as the portal says them.
    var startWords: [String] { ["start", "user=\(user)", "ip=127.0.0.1", "app=\(application)", "version=1"] }

    /// Asks with `words`; throws the reason when the answer is a refusal.
    func ask(_ words: [String]) throws(Refusal) -> TimedCommand {
        let answer = TimedCommand.run(command, words)
        guard answer.status == 0 else {
            throw Refusal(
                "'maxwell \(words[0])' failed: \(answer.sentence)", ExitStatus(rawValue: answer.status) ?? .software)
        }
        return answer
    }

    /// The number of the session that `answer`, the one to a start, tells; nil when it tells none.
    func session(in answer: TimedCommand) -> String? {
        let prefix = "Session is "
        guard answer.status == 0, answer.output.hasPrefix(prefix) else { return nil }
        let digits = answer.output.dropFirst(prefix.count).prefix { $0.isNumber }
        return digits.isEmpty ? nil : String(digits)
    }

    /// What a viewer of `session` has to know, and the command that told it.
    func view(_ session: String) throws(Refusal) -> (answer: TimedCommand, view: View) {
        let answer = try ask(["view", "user=\(user)", "ip=127.0.0.1", "sess=\(session)"])
        return (answer, try decoded(answer, "view"))
    }

    /// The sessions that live.
    func sessions() throws(Refusal) -> [Session] { try decoded(try ask(["sessions", "--json"]), "sessions") }

    /// The execution hosts.
    func hosts() throws(Refusal) -> [Host] { try decoded(try ask(["hosts", "--json"]), "hosts") }

    private func decoded<Answer: Decodable>(_ answer: TimedCommand, _ word: String) throws(Refusal) -> Answer {
        do {
            return try JSONDecoder().decode(Answer.self, from: Data(answer.output.utf8))
        } catch {
            throw Refusal(
                "'maxwell \(word)' answered in other words than it should.", .protocolError, cause: "\(error)")
        }
    }

    /// The part of `maxwell view`'s answer that a viewer of ours needs.
    struct View: Decodable {
        let host: String
        let port: Int
        let token: Secret
        /// The display's password as 16 hex digits.
        let encpassword: String
    }

    /// A row of `maxwell sessions --json`, as far as it matters here.
    struct Session: Decodable {
        let session: UInt64
        let host: String
        let display: Int
    }

    /// A row of `maxwell hosts --json`, as far as it matters here.
    struct Host: Decodable {
        let host: String
        /// Displays that wait for a session, without and with GLX.
        let ready: Int
        let readyGL: Int

        private enum CodingKeys: String, CodingKey {
            case host, ready
            case readyGL = "ready_gl"
        }
    }
}
