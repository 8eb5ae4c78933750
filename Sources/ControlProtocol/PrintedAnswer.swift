import SessionModel

/// What `maxwell` prints for a reply, and its exit status. A hub merges standard error into the answer and shows the
/// first line of a failure, so there is either an answer or one sentence, never both.
public struct PrintedAnswer: Equatable, Sendable {
    /// For standard output; whole lines.
    public var output = ""
    /// For standard error: one line, or nothing.
    public var complaint = ""
    /// 0, or one of sysexits(3).
    public var status: Int32 = 0

    /// What `reply` prints, given what was asked.
    public init(_ reply: ControlReply, to request: ControlRequest, asJSON: Bool = false) {
        if case .refused(let refusal) = reply {
            self.init(refusal)
        } else if let output = Self.output(reply, to: request, asJSON: asJSON) {
            self.init(output: output)
            if case .lines(_, good: false) = reply { status = ExitStatus.unavailable.rawValue }
        } else {
            self.init(
                Refusal(
                    "The session service answered in words of another release; please tell an administrator.",
                    .protocolError))
        }
    }

    /// What a success prints.
    public init(output: String) { self.output = output }

    /// What a failure prints.
    public init(_ error: some UserFacingError) {
        complaint = Self.oneLine(error.userMessage)
        if let id = (error as? Refusal)?.errorID { complaint += " (error \(Self.oneLine(id)))" }
        complaint += "\n"
        status = error.exitStatus.rawValue
    }

    private static func output(_ reply: ControlReply, to request: ControlRequest, asJSON: Bool) -> String? {
        switch (reply, request) {
        case (.started(let session), .start): "Session is \(session)\n"
        case (.view(let answer), .view): viewer(answer).line + "\n"
        case (.done, .stop(let session, nil)):
            JSONText.object([("session", .count(session.value)), ("status", .text("stopped"))]).line + "\n"
        case (.done, .createUserHome(let user)), (.done, .screenshot(let user)):
            JSONText.object([("user", .text(user.text)), ("status", .text("done"))]).line + "\n"
        case (.done, .updateQuota(let uid, _, _)):
            JSONText.object([("uid", .text(uid)), ("status", .text("done"))]).line + "\n"
        case (.done(let sentence), _): sentence.isEmpty ? "" : oneLine(sentence) + "\n"
        case (.lines(let lines, let good), _):
            lines.isEmpty
                ? (good
                    ? "Everything is in order.\n" : "Something is wrong; the log of the session service tells what.\n")
                : lines.map { plain($0) + "\n" }.joined()
        case (.sessions(let rows), .sessions): asJSON ? json(rows.map(object)) : table(rows)
        case (.why(let answer), .why): asJSON ? object(answer).line + "\n" : text(answer)
        case (.quota(let answer), .quota): asJSON ? object(answer).line + "\n" : table(answer)
        case (.reaps(let rows), .reap):
            asJSON ? json(rows.map(object)) : rows.isEmpty ? "No session runs.\n" : table(rows)
        case (.hosts(let rows), .hosts): asJSON ? json(rows.map(object)) : table(rows)
        case (.applications(let rows), .applications): asJSON ? json(rows.map(object)) : table(rows)
        case (.ticket(let ticket), .ticket): asJSON ? object(ticket).line + "\n" : text(ticket)
        case (.counters(let counters), .counters): asJSON ? object(counters).line + "\n" : text(counters)
        default: nil
        }
    }

    /// `text` without line ends and other control characters.
    static func oneLine(_ text: String) -> String {
        String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
    }

    /// A line that a page may show as it is: nothing of HTML, no control characters.
    private static func plain(_ line: String) -> String {
        String(oneLine(line).map { "<>&\"".contains($0) ? "'" : $0 })
    }

    /// Flat, scalars only: the portal turns every value into text. These keys satisfy both its viewers.
    private static func viewer(_ answer: ViewAnswer) -> JSONText {
        let prefix = "vncsession:"
        let connect = answer.connect.exposed
        var pairs: [(key: String, value: JSONText)] = [
            ("session", .count(answer.session.value)),
            ("width", .number(answer.width)),
            ("height", .number(answer.height)),
            ("host", .text(answer.host)),
            ("port", .number(answer.port)),
            ("encpassword", .text(answer.encpassword)),
            ("connect", .text(connect)),
        ]
        if connect.hasPrefix(prefix) { pairs.append(("token", .text(String(connect.dropFirst(prefix.count))))) }
        pairs += [
            ("wsproxy_host", .text(answer.host)),
            ("wsproxy_port", .number(answer.browserPort)),
            ("wsproxy_encrypt", .bool(true)),
            ("view_only", .bool(answer.readOnly)),
        ]
        return .object(pairs)
    }
}
