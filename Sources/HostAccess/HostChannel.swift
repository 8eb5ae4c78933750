import FoundationEssentials
import HostProtocol
import SessionModel
import Subprocess
import SystemPackage

/// What a host tells unasked.
public enum HostEvent: Sendable {
    case connected(HostHello)
    case disconnected(cause: String)
    /// It shows another key than the pinned one, or does what no agent does. Told once, until it is connected again.
    case mistrusted(HostAccessError)
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
    private var link: Link
    private var lastID: UInt64 = 0
    private var waiting: [UInt64: Question] = [:]
    private var hearing = Hearing(at: .now)
    /// What was told of it as ``HostEvent/mistrusted(_:)`` since it was connected last.
    private var mistrust: HostAccessError?
    /// When the host last said anything, or began to owe an answer.
    private var lastSign = ContinuousClock.now

    private enum Link {
        case down(HostAccessError)
        case up(HostHello, Feed)
    }

    /// Who waits for an answer.
    private struct Question {
        let request: HostRequest
        let asker: CheckedContinuation<Result<HostReply, HostAccessError>, Never>
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
    /// How long a host that did what no agent does is left alone.
    static let penance = Duration.seconds(60)

    /// A channel that is down until ``run()``; `tell` hears every event in its order and must not wait: replies are read behind it.
    public init(
        _ endpoint: HostEndpoint, settings: HostAccessSettings,
        tell: @escaping @Sendable (HostName, HostEvent) -> Void
    ) {
        self.endpoint = endpoint
        self.tell = tell
        link = .down(.away(endpoint.name, cause: "not connected yet"))
        command = SSHCommand(endpoint: endpoint, settings: settings)
    }

    /// What the host said of itself when it connected, with the load and template it told last; nil while the channel is down.
    public var hello: HostHello? {
        if case .up(let hello, _) = link { hello } else { nil }
    }

    /// Keeps the channel up until the task is cancelled: after a loss it connects again, first at once, then after 1,
    /// 2, 4, at most 15 seconds; to one that did what no agent does after a minute.
    public func run() async {
        var pause = Duration.zero
        while !Task.isCancelled {
            switch await connectOnce() {
            case .wasUp: pause = .seconds(1)
            case .neverUp: pause = min(max(pause * 2, .seconds(1)), .seconds(15))
            case .brokeRules: pause = Self.penance
            }
            try? await Task.sleep(for: pause)
        }
    }

    /// How a life of the ssh process went.
    private enum Life {
        case wasUp, neverUp, brokeRules
    }

    /// Asks the host; the answer is never `.failed`, that is thrown. A host that falls silent meanwhile is away, after 5 s
    /// of it; one that works is given the whole of `deadline`.
    public func ask(_ request: HostRequest, within deadline: Duration) async throws(HostAccessError) -> HostReply {
        let feed: Feed
        switch link {
        case .up(_, let open): feed = open
        case .down(let error): throw error
        }
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
            waiting[id] = Question(request: request, asker: continuation)
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

    /// One life of the ssh process.
    private func connectOnce() async -> Life {
        var error = HostAccessError.away(endpoint.name, cause: "ssh ended")
        hearing.restart()
        do {
            try command.pin()
            let (lines, linesFeed) = AsyncStream.makeStream(of: String.self)
            let (owed, owedFeed) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            let feed = Feed(lines: linesFeed, owed: owedFeed)
            let outcome = try await Subprocess.run(
                .path("/usr/bin/ssh"), arguments: command.channel, platformOptions: Self.endsWithUs,
                input: .inputWriter, output: .sequence, error: .string(limit: 8192)
            ) { execution in
                try await withThrowingTaskGroup(of: HostAccessError?.self) { group in
                    group.addTask {
                        for await line in lines { _ = try await execution.standardInputWriter.write(line) }
                        try await execution.standardInputWriter.finish()
                        return nil
                    }
                    group.addTask {
                        let silence = try await self.silence(owed, feed)
                        // Its output ends with it; an ssh that waits for its network may not hear a milder signal.
                        if silence != nil { try execution.send(signal: .kill) }
                        return silence.map { .away(self.endpoint.name, cause: $0) }
                    }
                    // Only a line feed ends a line: JSON may hold what Unicode calls a line's end.
                    let output = execution.standardOutput.strings(
                        separatedBy: .unicodeScalarSequence(Array("\n".unicodeScalars)),
                        bufferingPolicy: .maxLineLength(Hearing.longestLine))
                    var failure: HostAccessError?
                    do {
                        for try await line in output { try self.received(line, feed) }
                    } catch let breach as Hearing.Breach {
                        failure = .confused(self.endpoint.name, cause: breach.cause)
                    } catch let error as SubprocessError where error.code == .outputLimitExceeded {
                        failure = .confused(self.endpoint.name, cause: "its line is longer than any agent's")
                    }
                    if failure != nil { try execution.send(signal: .kill) }
                    feed.finish()
                    group.cancelAll()
                    // A line that could not be written is no cause: ssh said more of its end.
                    while let result = await group.nextResult() {
                        if let cause = try? result.get() { failure = failure ?? cause }
                    }
                    return failure
                }
            }
            error = outcome.closureResult ?? ended(outcome.standardError, outcome.terminationStatus)
        } catch let thrown {
            error = .away(endpoint.name, cause: "\(thrown)")
        }
        var life = Life.neverUp
        if case .up = link {
            life = .wasUp
            tell(endpoint.name, .disconnected(cause: error.operatorCause ?? ""))
        }
        link = .down(error)
        for id in waiting.keys { settle(id, .failure(error)) }
        switch error {
        case .confused, .otherKey:
            if mistrust != error { tell(endpoint.name, .mistrusted(error)) }
            mistrust = error
            if case .confused = error { life = .brokeRules }
        case .away, .late, .failed: break
        }
        return life
    }

    /// Why ssh ended, by its last words.
    private func ended(_ words: String, _ status: TerminationStatus) -> HostAccessError {
        let last = words.split(whereSeparator: \.isNewline).last.map(String.init)
        // Before the host had proved who it is, nobody but ssh itself could say it.
        if case .down = link, last == "Host key verification failed." { return .otherKey(endpoint.name) }
        return .away(endpoint.name, cause: last ?? "\(status)")
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

    private func received(_ line: String, _ feed: Feed) throws(Hearing.Breach) {
        lastSign = .now
        guard let message = try hearing.take(line, at: .now, isOwed: { waiting[$0] != nil }) else { return }
        switch message {
        case .hello(let hello):
            link = .up(hello, feed)
            mistrust = nil
            tell(endpoint.name, .connected(hello))
        case .reply(let id, let reply):
            guard let request = waiting[id]?.request else { return }
            guard reply.answers(request) else {
                let cause = "\(request.word) was answered with what is no answer to it"
                return settle(id, .failure(.confused(endpoint.name, cause: cause)))
            }
            settle(id, .success(reply))
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
        waiting.removeValue(forKey: id)?.asker.resume(returning: result)
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
        case .purge: "purge"
        case .check: "check"
        }
    }
}
