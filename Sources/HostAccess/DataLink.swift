import Glibc
import SessionModel
import Subprocess
import SystemPackage
import UnixSockets

/// A way of a host's pictures: an ssh master of its own with one forward, a local Unix socket that leads to the
/// host's data process. It outlives this process and is found again by its control socket, so that a controller's
/// restart cuts no view.
public actor DataLink {
    /// The far end that answered counts as being there for so long, as long as ssh runs: a class that comes need not have
    /// each of its viewers ask.
    static let proofLasts = Duration.seconds(1)

    private let command: SSHCommand
    private var opening: Task<String, any Error>?
    private var proof: (of: MasterWatch, at: ContinuousClock.Instant)?

    /// A link that is opened by the first ``socket()``; a host may have several, by their `lane`.
    public init(_ endpoint: HostEndpoint, settings: HostAccessSettings, lane: Int = 0) {
        command = SSHCommand(endpoint: endpoint, settings: settings, lane: lane)
    }

    /// The local socket's path, proved by a byte from the far end; opens or reopens the master when it is dead.
    public func socket() async throws(HostAccessError) -> String {
        if let opening { return try await outcome(of: opening) }
        if let proof, ContinuousClock.now - proof.at < Self.proofLasts, proof.of.runs { return command.dataSocket }
        let task = Task { try await open() }
        opening = task
        defer { opening = nil }
        return try await outcome(of: task)
    }

    /// Ends the master: the host is removed.
    public func close() async {
        proof = nil
        _ = try? await Subprocess.run(
            .path("/usr/bin/ssh"), arguments: command.control("exit"), output: .discarded, error: .discarded)
    }

    private func outcome(of task: Task<String, any Error>) async throws(HostAccessError) -> String {
        do {
            return try await task.value
        } catch let error as HostAccessError {
            throw error
        } catch {
            throw .away(command.endpoint.name, cause: "\(error)")
        }
    }

    private func open() async throws -> String {
        if await answers() { return command.dataSocket }
        try command.pin()
        await close()
        unlink(command.controlPath)
        // -f leaves ssh in the background once the forward listens; its descriptors are not ours to wait for.
        let outcome = try await Subprocess.run(
            .path("/usr/bin/ssh"), arguments: command.pictureMaster, output: .discarded, error: .discarded)
        guard outcome.terminationStatus.isSuccess else {
            throw HostAccessError.away(
                command.endpoint.name, cause: "the picture link's ssh ended: \(outcome.terminationStatus)")
        }
        guard await answers() else {
            throw HostAccessError.away(
                command.endpoint.name, cause: "the picture link stands, but the data process does not answer")
        }
        return command.dataSocket
    }

    /// Whether the data process answers PING: ssh reports success even where the host refuses the forward.
    private func answers() async -> Bool {
        let path = command.dataSocket
        let watch = proof.flatMap { $0.of.runs ? $0.of : nil } ?? MasterWatch(command.controlPath)
        proof = nil
        guard await Task.detached(operation: { pings(path) }).value else { return false }
        proof = watch.map { ($0, .now) }
        return true
    }
}

/// One PING over the Unix socket at `path`, 3 seconds at most for each step.
private func pings(_ path: String) -> Bool {
    guard let socket = UnixAddress(path: path)?.connected(.atMost(seconds: 3)) else { return false }
    defer { close(socket) }
    let line = Array("PING\n".utf8)
    guard send(socket, line, line.count, Int32(MSG_NOSIGNAL)) == line.count else { return false }
    var answer = [UInt8](repeating: 0, count: 3)
    return recv(socket, &answer, 3, Int32(MSG_WAITALL)) == 3 && answer == Array("OK\n".utf8)
}
