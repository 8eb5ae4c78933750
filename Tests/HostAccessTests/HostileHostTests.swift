import Foundation
import HostProtocol
import SessionModel
import Testing

@testable import HostAccess

/// A host whose agent somebody else has written: what true agents cannot be made to say.
@Suite("a host in a stranger's hands", .serialized)
struct HostileHostTests {
    /// Runs `body` with a channel to a host whose agent behaves in `way`, and what the channel tells.
    private func withHost(
        _ way: String, _ body: (HostChannel, inout AsyncStream<HostEvent>.Iterator) async throws -> Void
    ) async throws {
        let program = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "hostile_agent.py")
        let host = try PrivateHost(agent: "/usr/bin/python3 \(program.path) \(way)")
        defer { host.tearDown() }
        try await Self.withChannel(to: host, host.endpoint) { try await body($0, &$1) }
    }

    private static func withChannel(
        to host: PrivateHost, _ endpoint: HostEndpoint,
        _ body: (HostChannel, inout AsyncStream<HostEvent>.Iterator) async throws -> Void
    ) async throws {
        let (stream, feed) = AsyncStream.makeStream(of: HostEvent.self)
        let channel = HostChannel(endpoint, settings: host.settings) { feed.yield($1) }
        let running = Task { await channel.run() }
        var events = stream.makeAsyncIterator()
        do {
            try await body(channel, &events)
        } catch {
            Issue.record("\(error)\n\(host.log)")
        }
        running.cancel()
        await running.value
    }

    /// The first event that `wanted` accepts, and how many came before it.
    private func first(
        _ events: inout AsyncStream<HostEvent>.Iterator, _ wanted: (HostEvent) -> Bool
    ) async -> (event: HostEvent, before: Int)? {
        var before = 0
        while let event = await events.next() {
            if wanted(event) { return (event, before) }
            before += 1
        }
        return nil
    }

    @Test(
        "one that does what no agent does is let go, with the reason, and its memory of ours is bounded",
        arguments: [
            ("endless", "its line is longer than any agent's"), ("twice", "it said hello twice"),
            ("early", "it told something before it said hello"),
            ("flood", "it tells more than its displays can have to tell"),
            ("unasked", "it tells more than its displays can have to tell"),
            ("nonsense", "it tells more than its displays can have to tell"),
        ])
    func breaches(way: String, cause: String) async throws {
        try await withHost(way) { channel, events in
            let found = await first(&events) { if case .mistrusted = $0 { true } else { false } }
            let told = try #require(found)
            guard case .mistrusted(let error) = told.event else { return }
            #expect(error == .confused(channel.endpoint.name, cause: cause))
            #expect(told.before <= Int(Hearing.burst) + 500)
            #expect(await channel.hello == nil)
            await #expect(throws: error) { _ = try await channel.ask(.ping, within: .seconds(5)) }
        }
    }

    @Test("an answer to another question is none, and one that nobody waits for changes nothing")
    func wrongAnswers() async throws {
        try await withHost("wrong") { channel, events in
            _ = await events.next()
            for request in [.ping, .inventory, .check] as [HostRequest] {
                await #expect(
                    throws: HostAccessError.confused(
                        channel.endpoint.name, cause: "\(request.word) was answered with what is no answer to it")
                ) { _ = try await channel.ask(request, within: .seconds(20)) }
            }
            #expect(await channel.hello != nil)
        }
    }

    @Test("its numbers can be reckoned with and its texts end where they should, whatever they are")
    func enormous() async throws {
        try await withHost("enormous") { channel, events in
            guard case .connected(let hello) = await events.next(), case .load(let load) = await events.next(),
                case .applicationExited(let end) = await events.next()
            else {
                Issue.record("it was not heard")
                return
            }
            #expect(hello.version.utf8.count <= 40 && hello.bootID.utf8.count <= 80)
            #expect(hello.isolation.utf8.count <= 20 && hello.template?.utf8.count ?? 0 <= 64)
            #expect(hello.inventory.count == 1 && hello.inventory[0].key == nil)
            #expect(hello.load?.memoryAvailable == 0 && hello.load?.cores == 1 && hello.load?.load == 0)
            #expect(load.memoryAvailable == 1 << 40 && load.load == 1e9)
            #expect(end.key == nil && end.wallSeconds == 1e9 && end.cpuSeconds == 0 && end.status == 255)
            let tail = try #require(end.logTail)
            #expect(tail.utf8.starts(with: "ab\n]0;owned\ne".utf8) && tail.utf8.count <= 2048)
            do {
                _ = try await channel.ask(.ping, within: .seconds(20))
                Issue.record("it said it failed")
            } catch HostAccessError.failed(_, let failure) {
                let plain = failure.cause.unicodeScalars.allSatisfy {
                    $0.properties.generalCategory != .control && $0 != "\u{2028}"
                }
                #expect(plain && failure.cause.utf8.count <= 1000)
            }
            let account = Account(
                name: try UserName("alice"), uid: 10001, gid: 10001, home: "/home/alice", shell: "/bin/sh", groups: [])
            guard
                case .homeUsage(let usage) = try await channel.ask(
                    .homeUsage(account: account, maxAge: 600), within: .seconds(20))
            else { return }
            #expect([usage.used, usage.softLimit, usage.hardLimit, usage.free].allSatisfy { $0 == 1 << 60 })
        }
    }

    @Test("an application's last words may hold what Unicode calls a line's end: its end is heard")
    func separators() async throws {
        try await withHost("separators") { channel, events in
            _ = await events.next()
            guard case .applicationExited(let end) = await events.next() else {
                Issue.record("the end was not heard")
                return
            }
            #expect(end.status == 3 && end.logTail == "onetwothree")
            _ = try await channel.ask(.ping, within: .seconds(20))
        }
    }

    @Test("a host with another key than the pinned one is told nothing, refused with a sentence, and told of once")
    func otherKey() async throws {
        let host = try PrivateHost()
        defer { host.tearDown() }
        let endpoint = try host.endpointWithOtherKey()
        try await Self.withChannel(to: host, endpoint) { channel, events in
            guard case .mistrusted(let error) = await events.next() else {
                Issue.record("nobody was told")
                return
            }
            #expect(error == .otherKey(endpoint.name))
            #expect(
                error.userMessage
                    == "The execution host node1 shows another key than the one it was added with; an administrator has to look at it."
            )
            await #expect(throws: error) { _ = try await channel.ask(.ping, within: .seconds(5)) }
            await #expect(throws: HostAccessError.self) {
                _ = try await DataLink(endpoint, settings: host.settings).socket()
            }
            #expect(!host.log.contains("Accepted publickey"))
        }
    }
}
