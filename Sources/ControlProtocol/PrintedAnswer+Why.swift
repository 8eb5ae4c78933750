import SessionModel

/// What is kept about a session: lines for people, an object for programs.
extension PrintedAnswer {
    static func text(_ answer: WhyAnswer) -> String {
        var text = oneLine(head(answer)) + "\n"
        text += steps(answer.steps)
        if !answer.reason.isEmpty || answer.errorID != nil {
            let reason = answer.reason.isEmpty ? "not known" : answer.reason
            text += oneLine("Why: \(reason)" + (answer.errorID.map { " (error \($0))" } ?? "")) + "\n"
        }
        if let status = answer.exitStatus { text += "Its application ended with status \(status).\n" }
        text += account(answer)
        text += viewers(answer.viewers)
        text += watchers(answer.watchers)
        if let tail = answer.logTail, !tail.isEmpty {
            text += "The end of its application's log:\n"
            text += tail.split(whereSeparator: \.isNewline).map { "  | \(oneLine(String($0)))\n" }.joined()
        }
        return text
    }

    static func object(_ answer: WhyAnswer) -> JSONText {
        .object([
            ("session", .count(answer.session.value)), ("user", .text(answer.user)),
            ("application", .text(answer.application)), ("host", .text(answer.host)),
            ("display", .number(answer.display)), ("state", .text(answer.state)), ("reason", .text(answer.reason)),
            ("error", .of(answer.errorID)), ("exit_status", answer.exitStatus.map(JSONText.number) ?? .nothing),
            ("started", .text(answer.started)), ("running", .of(answer.running)), ("ended", .of(answer.ended)),
            ("wall", answer.wallSeconds.map(JSONText.seconds) ?? .nothing),
            ("watched", answer.viewSeconds.map(JSONText.seconds) ?? .nothing),
            ("cpu", answer.cpuSeconds.map(JSONText.seconds) ?? .nothing),
            ("viewers", .list(answer.viewers.map(object))),
            ("watchers", .list(answer.watchers.map(object))), ("steps", .list(answer.steps.map(object))),
            ("log_tail", .of(answer.logTail)),
        ])
    }

    private static func head(_ answer: WhyAnswer) -> String {
        let state =
            switch answer.state {
            case "failed": "failed"
            case "ended": "has ended"
            default: "is \(answer.state)"
            }
        let place =
            answer.host.isEmpty ? "" : " on \(answer.host)" + (answer.display > 0 ? ", display \(answer.display)" : "")
        let times = [("started", answer.started), ("running", answer.running), ("ended", answer.ended)]
            .compactMap { word, time in time.map { "\(word) \($0)" } }.joined(separator: ", ")
        return "Session \(answer.session) \(state): \(answer.application) for \(answer.user)\(place); \(times) (UTC)."
    }

    /// What its life took, as far as that is known: one sentence, or nothing.
    private static func account(_ answer: WhyAnswer) -> String {
        let parts = [
            answer.wallSeconds.map { "lasted \(time($0))" },
            answer.viewSeconds.map { "was watched for \(time($0))" },
            answer.cpuSeconds.map { "used \(time($0)) of CPU time" },
        ].compactMap(\.self)
        guard let last = parts.last else { return "" }
        let before = parts.dropLast().joined(separator: ", ")
        return "It " + (before.isEmpty ? "" : before + " and ") + last + ".\n"
    }

    /// One line a person, in columns below a heading; nothing when nobody watched.
    private static func viewers(_ viewers: [WhyViewer]) -> String {
        if viewers.isEmpty { return "" }
        var table = TextTable(["  USER", "VIEWS", "TIME", "TO VIEWER", "FROM VIEWER"], numbers: [1, 2, 3, 4])
        for viewer in viewers {
            table.add([
                "  \(viewer.user)", "\(viewer.views)", time(viewer.seconds), size(viewer.bytesToViewer),
                size(viewer.bytesFromViewer),
            ])
        }
        return "Its viewers:\n" + table.text
    }

    /// One line an open view, in columns below a heading; nothing when nobody watches.
    private static func watchers(_ watchers: [Watcher]) -> String {
        if watchers.isEmpty { return "" }
        var table = TextTable(["  USER", "SINCE (UTC)", "FROM", "MAY"])
        for watcher in watchers {
            table.add(["  \(watcher.user)", watcher.since, watcher.address, watcher.readOnly ? "watch" : "act"])
        }
        return "Who watches now:\n" + table.text
    }

    private static func object(_ viewer: WhyViewer) -> JSONText {
        .object([
            ("user", .text(viewer.user)), ("views", .number(viewer.views)), ("seconds", .seconds(viewer.seconds)),
            ("bytes_to_viewer", .count(viewer.bytesToViewer)), ("bytes_from_viewer", .count(viewer.bytesFromViewer)),
        ])
    }

    /// One line a step, in columns.
    private static func steps(_ steps: [StartStep]) -> String {
        var table = TextTable(numbers: [0])
        for step in steps {
            table.add([
                "  \(decimal(step.at, digits: 3)) s", step.host, step.display.map { "display \($0)" } ?? "", step.what,
                step.outcome,
            ])
        }
        return table.text
    }

    private static func object(_ step: StartStep) -> JSONText {
        .object([
            ("at", .real(step.at)), ("host", .text(step.host)),
            ("display", step.display.map(JSONText.number) ?? .nothing), ("what", .text(step.what)),
            ("outcome", .text(step.outcome)),
        ])
    }

    /// `value` with `digits` digits after the point; `-` where it is no number of that kind.
    static func decimal(_ value: Double, digits: Int) -> String {
        guard value.isFinite, (0..<1e9).contains(value) else { return "-" }
        let scale = (0..<digits).reduce(1) { scale, _ in scale * 10 }
        let scaled = Int((value * Double(scale)).rounded())
        let fraction = String(scaled % scale)
        return "\(scaled / scale)." + String(repeating: "0", count: digits - fraction.count) + fraction
    }
}
