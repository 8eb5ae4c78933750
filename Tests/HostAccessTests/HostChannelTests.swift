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
