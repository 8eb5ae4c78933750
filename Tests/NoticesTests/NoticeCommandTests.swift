import Foundation
import Notices
import Synchronization
import TestServers
import Testing

@Suite("News for an administrator") struct NoticeCommandTests {
    /// A command that appends what it reads to a file.
    private func command(_ folder: PrivateFolder) -> [String] {
        ["/bin/sh", "-c", "cat >> \(folder.file("news"))", "notice"]
    }

    private func read(_ folder: PrivateFolder, until words: String) async throws -> String {
        let end = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < end {
            let text = (try? String(contentsOfFile: folder.file("news"), encoding: .utf8)) ?? ""
            if text.contains(words) { return text }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw TestServerError("the news never came: \(words)")
    }

    @Test("reach the command as it is configured: the kind, then the text, on standard input")
    func reach() async throws {
        let folder = try PrivateFolder()
        defer { folder.remove() }
        let notices = NoticeCommand(command(folder), pause: .zero) { _, _ in }
        await notices.send("host set aside", "exec1 gets no sessions.")
        #expect(try await read(folder, until: "exec1") == "host set aside\nexec1 gets no sessions.\n")
    }

    @Test("of one kind come once in a while, and the next says how many were held back")
    func heldBack() async throws {
        let folder = try PrivateFolder()
        defer { folder.remove() }
        let notices = NoticeCommand(command(folder), pause: .seconds(2)) { _, _ in }
        for number in 1...3 { await notices.send("start failed", "number \(number)") }
        await notices.send("host set aside", "another kind")
        let first = try await read(folder, until: "another kind")
        #expect(first.contains("number 1") && !first.contains("number 2"))
        try await Task.sleep(for: .seconds(2))
        await notices.send("start failed", "number 4")
        #expect(try await read(folder, until: "number 4\n(2 more of this kind").contains("number 3") == false)
    }

    @Test("that cannot be told are told to the log", arguments: [["/no/such/program"], ["/bin/false"]])
    func failing(words: [String]) async throws {
        let (causes, feed) = AsyncStream.makeStream(of: String.self)
        let notices = NoticeCommand(words, pause: .zero) { kind, cause in feed.yield("\(kind): \(cause)") }
        await notices.send("start failed", "why")
        for await cause in causes {
            #expect(cause.hasPrefix("start failed: "))
            break
        }
    }

    @Test("go nowhere without a command")
    func none() async {
        let notices = NoticeCommand([], pause: .zero) { _, cause in Issue.record("\(cause)") }
        await notices.send("start failed", "why")
    }
}
