import SessionModel

/// Starts, sees and ends sessions by the `maxwell` command, one after the other.
struct Rounds {
    /// The path of `maxwell`.
    let command: String
    let user: String
    let application: String
    private(set) var floor = Samples("process spawn")
    private(set) var start = Samples("maxwell start")
    private(set) var view = Samples("maxwell view")
    private(set) var stop = Samples("maxwell stop")

    init(command: String, user: String, application: String) {
        self.command = command
        self.user = user
        self.application = application
    }

    /// Everything measured, the floor first.
    var all: [Samples] { [floor, start, view, stop] }

    /// One session from start to stop, and one spawn of a program that does nothing.
    mutating func run() throws(Refusal) {
        floor.add(try TimedCommand("/bin/true", []).duration)
        let started = try ask([
            "start", "user=\(user)", "ip=127.0.0.1", "app=\(application)", "version=1",
        ])
        start.add(started.duration)
        let prefix = "Session is "
        guard started.output.hasPrefix(prefix) else {
            throw Refusal("'maxwell start' answered in other words than it should.", .protocolError)
        }
        let number = started.output.dropFirst(prefix.count).prefix { $0.isNumber }
        do throws(Refusal) {
            view.add(try ask(["view", "user=\(user)", "ip=127.0.0.1", "sess=\(number)"]).duration)
        } catch {
            // The session is ours to end, whatever else failed.
            _ = try? TimedCommand(command, ["stop", String(number)])
            throw error
        }
        stop.add(try ask(["stop", String(number)]).duration)
    }

    private func ask(_ arguments: [String]) throws(Refusal) -> TimedCommand {
        let result = try TimedCommand(command, arguments)
        guard result.status == 0 else {
            let sentence = result.output.split(separator: "\n").first.map(String.init) ?? "no reason given"
            throw Refusal(
                "'maxwell \(arguments[0])' failed: \(sentence)", ExitStatus(rawValue: result.status) ?? .software)
        }
        return result
    }
}
