import Testing

extension EndToEnd {
    /// A command that is refused, and its exit status by sysexits(3).
    struct RefusedCommand: CustomTestStringConvertible, Sendable {
        let words: [String]
        let status: Int32
        var testDescription: String { words.joined(separator: " ") }

        init(_ line: String, _ status: Int32) {
            words = line.split(separator: " ").map(String.init)
            self.status = status
        }
    }

    static let refused = [
        RefusedCommand("start user=nobody-here ip=127.0.0.1 app=xterm version=1", 67),
        RefusedCommand("start user=alice ip=127.0.0.1 app=no-such-app version=1", 66),
        RefusedCommand("start user=alice ip=127.0.0.1 app=xterm version=1 zone=no-such-zone", 66),
        RefusedCommand("start user=alice user=bob ip=127.0.0.1 app=xterm version=1", 64),
        RefusedCommand("start ip=127.0.0.1 app=xterm version=1", 64),
        RefusedCommand("start user=../alice ip=127.0.0.1 app=xterm version=1", 64),
        RefusedCommand("view user=alice ip=127.0.0.1 sess=4000000000", 66),
        RefusedCommand("view user=alice ip=127.0.0.1 sess=12x", 64),
        RefusedCommand("stop 12 user=bob", 64),
        RefusedCommand("stop 12 13", 64),
        RefusedCommand("stop -1", 64),
        RefusedCommand("stop", 64),
        RefusedCommand("check no-such-host yes", 68),
        RefusedCommand("nonsense", 64),
    ]

    @Test("bad input gets its exit status and one sentence, and leaves nothing", arguments: refused)
    func refusal(command: RefusedCommand) throws {
        let before = try Gateway.sql("SELECT COUNT(*) FROM session")
        let answer = try Gateway.run(["maxwell"] + command.words)
        #expect(answer.status == command.status, "\(answer.output)")
        let lines = answer.output.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == 2 && lines.last == "", "\(answer.output)")
        #expect(lines.first?.isEmpty == false)
        #expect(try Gateway.sql("SELECT COUNT(*) FROM session") == before)
    }
}
