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

    private enum Link {
        case down(cause: String)
        case up(HostHello, AsyncStream<String>.Continuation)
    }

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

    /// How the host was when it last told; nil while the channel is down.
    public var load: HostLoad? { hello?.load }

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

    /// Asks the host; the answer is never `.failed`, that is thrown.
    public func ask(_ request: HostRequest, within deadline: Duration) async throws(HostAccessError) -> HostReply {
        guard case .up(_, let lines) = link else { throw .away(endpoint.name, cause: downCause) }
        lastID += 1
        let id = lastID
        guard let line = try? JSONEncoder().encode(HostCall(id: id, request: request)) else {
            throw .confused(endpoint.name, cause: "a request that cannot be written")
        }
        let late = Task {
            try await Task.sleep(for: deadline)
            settle(id, .failure(.late(endpoint.name, request: request.word)))
        }
        defer { late.cancel() }
        let result = await withCheckedContinuation { continuation in
            waiting[id] = continuation
            lines.yield(String(decoding: line, as: UTF8.self) + "\n")
        }
        switch result {
        case .success(.failed(let failure)): throw .failed(endpoint.name, failure)
        case .success(let reply): return reply
        case .failure(let error): throw error
        }
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
            let (lines, feed) = AsyncStream.makeStream(of: String.self)
            let outcome = try await Subprocess.run(
                .path("/usr/bin/ssh"), arguments: command.channel, platformOptions: Self.endsWithUs,
                input: .inputWriter, output: .sequence, error: .string(limit: 8192)
            ) { execution in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        for await line in lines { _ = try await execution.standardInputWriter.write(line) }
                        try await execution.standardInputWriter.finish()
                    }
                    for try await line in execution.standardOutput.strings(bufferingPolicy: .maxLineLength(1 << 20)) {
                        await self.received(line, feed)
                    }
                    feed.finish()
                    group.cancelAll()
                }
            }
            let words = outcome.standardError.split(separator: "\n").last.map(String.init)
            cause = words ?? "\(outcome.terminationStatus)"
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

    /// ssh in a process group of its own ends when this process asks it to; standard input's end does the rest when
    /// this process is killed.
    private static var endsWithUs: PlatformOptions {
        var options = PlatformOptions()
        options.teardownSequence = [.send(signal: .terminate, allowedDurationToNextStep: .seconds(1))]
        return options
    }

    private func received(_ line: String, _ feed: AsyncStream<String>.Continuation) async {
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
        case .screenshot: "screenshot"
        case .makeHome: "makeHome"
        case .check: "check"
        }
    }
}
