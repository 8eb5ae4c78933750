import Foundation
import HostProtocol
import SessionModel
import Testing

@testable import HostAccess

@Suite("the channel to a host")
struct HostChannelTests {
    @Test("a host that falls silent under a request is away, and connected again when it answers")
    func silent() async throws {
        try await withChannel { host, channel, events in
            _ = try await channel.ask(.ping, within: .seconds(60))
            host.freeze()
            let cause = "silent for \(HostChannel.patience + HostChannel.lastPatience)"
            await #expect(throws: HostAccessError.away(host.endpoint.name, cause: cause)) {
                try await channel.ask(.ping, within: .seconds(60))
            }
            guard case .disconnected(cause) = await events.next() else {
                Issue.record("the loss was not told")
                return
            }
            guard case .connected = await events.next() else {
                Issue.record("the host was not connected again")
                return
            }
            _ = try await channel.ask(.ping, within: .seconds(60))
        }
    }

    @Test("a host that works on a request for longer is waited for")
    func slow() async throws {
        try await withChannel { host, channel, events in
            let order = DisplayOrder(
                display: try DisplayNumber(50_003), geometry: .usual, depth: 24, withGL: false, uid: 2_050_003,
                password: Secret("abcd1234"), key: .token())
            do {
                _ = try await channel.ask(.makeDisplay(order), within: .seconds(60))
                Issue.record("a display server that is mute was ready")
            } catch HostAccessError.failed(_, let failure) {
                #expect(failure.kind == .displayFailed && failure.cause.hasPrefix("Xvnc is silent"))
            }
            #expect(await channel.hello != nil)
        }
    }

    @Test("displays' pictures take several links, which outlive who opened them; one that is gone comes back by itself")
    func links() async throws {
        try await withChannel { host, channel, _ in
            _ = try await channel.ask(.ping, within: .seconds(60))
            let links = DataLinks(host.endpoint, settings: host.settings)
            try await links.open()
            func socket(_ links: DataLinks, _ display: Int) async throws -> String {
                try await links.link(of: try DisplayNumber(display)).socket()
            }
            /// The ssh behind a link, by its control socket's name among its words.
            func masters() -> [Int32: String] {
                var found: [Int32: String] = [:]
                for pid in PrivateHost.processes(with: host.settings.folder + "/node1.ctl") {
                    let words = (try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)) ?? ""
                    found[pid] = words.split(separator: "\0").first { $0.contains("/node1.ctl") }.map(String.init)
                }
                return found
            }
            var sockets: [String] = []
            for display in 1...5 { sockets.append(try await socket(links, display)) }
            #expect(Set(sockets).count == 4 && sockets[0] == sockets[4])
            let first = masters()
            #expect(Set(first.values).count == 4 && first.count == 4)
            // Another controller finds them as they are.
            let again = DataLinks(host.endpoint, settings: host.settings)
            for display in 1...5 { #expect(try await socket(again, display) == sockets[display - 1]) }
            #expect(masters() == first)
            let victim = try #require(first.keys.first)
            kill(victim, SIGKILL)
            var second = first
            // It dies in its own time.
            while second[victim] != nil || second.count < 4 {
                for display in 1...4 { _ = try await socket(again, display) }
                second = masters()
            }
            #expect(Set(second.values) == Set(first.values))
            #expect(first.keys.filter { second[$0] != nil }.count == 3)
            await again.close()
            while !masters().isEmpty { try await Task.sleep(for: .milliseconds(10)) }
        }
    }

    /// Runs `body` with a host of its own and a channel to it that is up.
    private func withChannel(
        _ body: (PrivateHost, HostChannel, inout AsyncStream<HostEvent>.Iterator) async throws -> Void
    ) async throws {
        let host = try PrivateHost()
        defer { host.tearDown() }
        let (stream, feed) = AsyncStream.makeStream(of: HostEvent.self)
        let channel = HostChannel(host.endpoint, settings: host.settings) { _, event in
            // The load comes at any time.
            if case .load = event { return }
            feed.yield(event)
        }
        let running = Task { await channel.run() }
        var events = stream.makeAsyncIterator()
        do {
            guard case .connected = await events.next() else { throw NotConnected(log: host.log) }
            try await body(host, channel, &events)
        } catch {
            Issue.record("\(error)\n\(host.log)")
        }
        running.cancel()
        await running.value
    }

    private struct NotConnected: Error {
        let log: String
    }
}
