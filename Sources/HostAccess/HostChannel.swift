import FoundationEssentials
import HostProtocol
import SessionModel
import Subprocess
import SystemPackage

/// What a host tells unasked.
public enum HostEvent: Sendable {
    case connected(HostHello)
    case disconnected(cause: String)
    case applicationExited(DisplayEnd)
    case displayDied(DisplayEnd)
    /// Every few seconds.
    case load(HostLoad)
}

/// One long-lived `maxwell-host serve` over ssh: numbered JSON lines each way. When the link drops, what runs on the
/// host lives on; ``run()`` connects again, and the hello tells what is there.
public actor HostChannel {
    /// Where it leads.
    public nonisolated let endpoint: HostEndpoint
    private let command: SSHCommand
    private let tell: @Sendable (HostName, HostEvent) -> Void
    private var link = Link.down(cause: "not connected yet")
    private var lastID: UInt64 = 0
    private var waiting: [UInt64: CheckedContinuation<Result<HostReply, HostAccessError>, Never>] = [:]
    /// When the host last said anything, or began to owe an answer.
    private var lastSign = ContinuousClock.now

    private enum Link {
        case down(cause: String)
        case up(HostHello, Feed)
    }

    /// What goes into one life of the ssh process.
    private struct Feed {
        /// The lines for the host.
        let lines: AsyncStream<String>.Continuation
        /// A word whenever the host begins to owe an answer.
        let owed: AsyncStream<Void>.Continuation

        func finish() {
            lines.finish()
            owed.finish()
        }
    }

    /// Silence after which a host that owes an answer is asked for a sign of life. An agent gives one whatever else it
    /// does, so that a slow request is not taken for a dead host.
    static let patience = Duration.seconds(3)
    /// Silence after that which takes the channel down. ssh(1) itself needs 15 to 20 s for it, by
    /// `ServerAliveInterval` and `ServerAliveCountMax` (ssh_config(5)): too long for who waits for the answer.
    static let lastPatience = Duration.seconds(2)

    /// A channel that is down until ``run()``; `tell` hears every event in its order and must not wait: replies are read behind it.
    public init(
        _ endpoint: HostEndpoint, settings: HostAccessSettings,
        tell: @escaping @Sendable (HostName, HostEvent) -> Void
    ) {
        self.endpoint = endpoint
        self.tell = tell
        command = SSHCommand(endpoint: endpoint, settings: settings)
    }

    /// What the host said of itself when it connected, with the load and template it told last; nil while the channel is down.
    public var hello: HostHello? {
        if case .up(let hello, _) = link { hello } else { nil }
    }

    /// Keeps the channel up until the task is cancelled: after a loss it connects again, first at once, then after 1,
    /// 2, 4, at most 15 seconds.
    public func run() async {
        var pause = Duration.zero
        while !Task.isCancelled {
            let wasUp = await connectOnce()
            pause = wasUp ? .seconds(1) : min(max(pause * 2, .seconds(1)), .seconds(15))
            try? await Task.sleep(for: pause)
        }
    }

    /// Asks the host; the answer is never `.failed`, that is thrown. A host that falls silent meanwhile is away, after 5 s
    /// of it; one that works is given the whole of `deadline`.
    public func ask(_ request: HostRequest, within deadline: Duration) async throws(HostAccessError) -> HostReply {
        guard case .up(_, let feed) = link else { throw .away(endpoint.name, cause: downCause) }
        guard let (id, line) = number(request) else {
            throw .confused(endpoint.name, cause: "a request that cannot be written")
        }
        let late = Task {
            try await Task.sleep(for: deadline)
            settle(id, .failure(.late(endpoint.name, request: request.word)))
        }
        defer { late.cancel() }
        let result = await withCheckedContinuation { continuation in
            if waiting.isEmpty {
                lastSign = .now
                feed.owed.yield()
            }
            waiting[id] = continuation
            feed.lines.yield(line)
        }
        switch result {
        case .success(.failed(let failure)): throw .failed(endpoint.name, failure)
        case .success(let reply): return reply
        case .failure(let error): throw error
        }
    }

    private func number(_ request: HostRequest) -> (id: UInt64, line: String)? {
        lastID += 1
        guard let line = try? JSONEncoder().encode(HostCall(id: lastID, request: request)) else { return nil }
        return (lastID, String(decoding: line, as: UTF8.self) + "\n")
    }

    private var downCause: String {
        if case .down(let cause) = link { cause } else { "" }
    }

    /// One life of the ssh process; true when the host had said hello.
    private func connectOnce() async -> Bool {
        var cause = "ssh ended"
        var helloSeen = false
        do {
            try command.pin()
            let (lines, linesFeed) = AsyncStream.makeStream(of: String.self)
            let (owed, owedFeed) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            let feed = Feed(lines: linesFeed, owed: owedFeed)
            let outcome = try await Subprocess.run(
                .path("/usr/bin/ssh"), arguments: command.channel, platformOptions: Self.endsWithUs,
                input: .inputWriter, output: .sequence, error: .string(limit: 8192)
            ) { execution in
                try await withThrowingTaskGroup(of: String?.self) { group in
                    group.addTask {
                        for await line in lines { _ = try await execution.standardInputWriter.write(line) }
                        try await execution.standardInputWriter.finish()
                        return nil
                    }
                    group.addTask {
                        let silence = try await self.silence(owed, feed)
                        // Its output ends with it; an ssh that waits for its network may not hear a milder signal.
                        if silence != nil { try execution.send(signal: .kill) }
                        return silence
                    }
                    for try await line in execution.standardOutput.strings(bufferingPolicy: .maxLineLength(1 << 20)) {
                        await self.received(line, feed)
                    }
                    feed.finish()
                    group.cancelAll()
                    var silence: String?
                    // A line that could not be written is no cause: ssh said more of its end.
                    while let result = await group.nextResult() { silence = silence ?? (try? result.get()) }
                    return silence
                }
            }
            let words = outcome.standardError.split(separator: "\n").last.map(String.init)
            cause = outcome.closureResult ?? words ?? "\(outcome.terminationStatus)"
        } catch {
            cause = "\(error)"
        }
        if case .up = link {
            helloSeen = true
            tell(endpoint.name, .disconnected(cause: cause))
        }
        link = .down(cause: cause)
        for id in waiting.keys { settle(id, .failure(.away(endpoint.name, cause: cause))) }
        return helloSeen
    }

    /// Waits until the host says nothing although it owes an answer, and tells so; nil when it owes none any more and
    /// the link ends.
    private func silence(_ owed: AsyncStream<Void>, _ feed: Feed) async throws -> String? {
        for await _ in owed {
            while !waiting.isEmpty {
                let sign = lastSign
                try await Task.sleep(until: sign + Self.patience, clock: .continuous)
                guard sign == lastSign, !waiting.isEmpty, let ping = number(.ping) else { continue }
                feed.lines.yield(ping.line)
                try await Task.sleep(for: Self.lastPatience)
                if sign == lastSign, !waiting.isEmpty { return "silent for \(Self.patience + Self.lastPatience)" }
            }
        }
        return nil
    }

    /// ssh in a process group of its own ends when this process asks it to; standard input's end does the rest when
    /// this process is killed.
    private static var endsWithUs: PlatformOptions {
        var options = PlatformOptions()
        options.teardownSequence = [.send(signal: .terminate, allowedDurationToNextStep: .seconds(1))]
        return options
    }

    private func received(_ line: String, _ feed: Feed) async {
        lastSign = .now
        guard let message = try? JSONDecoder().decode(HostMessage.self, from: Data(line.utf8)) else { return }
        switch message {
        case .hello(let hello):
            link = .up(hello, feed)
            tell(endpoint.name, .connected(hello))
        case .reply(let id, let reply): settle(id, .success(reply))
        case .applicationExited(let end): tell(endpoint.name, .applicationExited(end))
        case .displayDied(let end): tell(endpoint.name, .displayDied(end))
        case .load(let load):
            guard case .up(var hello, let lines) = link else { return }
            hello.load = load
            hello.template = load.template
            link = .up(hello, lines)
            tell(endpoint.name, .load(load))
        }
    }

    private func settle(_ id: UInt64, _ result: Result<HostReply, HostAccessError>) {
        waiting.removeValue(forKey: id)?.resume(returning: result)
    }
}

extension HostRequest {
    /// The request's name, for a log that must not show its secrets.
    var word: String {
        switch self {
        case .ping: "ping"
        case .makeDisplay: "makeDisplay"
        case .startApplication: "startApplication"
        case .endDisplay: "endDisplay"
        case .account: "account"
        case .inventory: "inventory"
        case .message: "message"
        case .screenshot: "screenshot"
        case .makeHome: "makeHome"
        case .homeUsage: "homeUsage"
        case .setQuota: "setQuota"
        case .cleanAccount: "cleanAccount"
        case .check: "check"
        }
    }
}
