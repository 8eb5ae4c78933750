import Glibc
import RelayProtocol
import SessionModel
import Synchronization

/// The file that says where tokens lead, and what it said last without a mistake. Loops ask it from their threads.
final class RoutesFile: Sendable {
    /// What changes when the file does (stat(2)).
    private struct Mark: Equatable, Sendable {
        let device: UInt
        let inode: UInt
        let size: Int
        let seconds: Int
        let nanoseconds: Int
    }

    private struct State: Sendable {
        var mark: Mark?
        /// Whether the mark could still be that of other bytes: written as shortly before they were read as the clock of
        /// a file system may be coarse.
        var isYoung = true
        var routes: [String: FileRoute] = [:]
        /// Counts the changes.
        var generation: UInt64 = 0
        var nextLook = 0.0
        /// What was wrong at the last look, so that it is told once.
        var complaint: String?
    }

    private let path: String
    private let state: Mutex<State>
    private let lastView = Atomic<UInt64>(0)

    /// Reads the file at `path`; any mistake in it is thrown.
    init(_ path: String) throws(RelayStartError) {
        self.path = path
        var first = State()
        do throws(Fault) {
            try RoutesFile.read(path, into: &first)
        } catch {
            throw RelayStartError(description: error.reasons.map { "\(path): \($0)" }.joined(separator: "\n"))
        }
        first.generation = 1
        state = Mutex(first)
    }

    /// Looks, at most once a second, whether the file changed, and reads it again then; one with a mistake leaves the
    /// routes as they are. Returns how often they changed; `now` is monotonic seconds.
    func look(at now: Double) -> UInt64 {
        state.withLock { state in
            guard now >= state.nextLook else { return state.generation }
            state.nextLook = now + 1
            do throws(Fault) {
                let before = state.routes
                try RoutesFile.read(path, into: &state)
                if state.routes != before {
                    state.generation += 1
                    RelayLog.write("routes read", [("routes", "\(state.routes.count)")])
                }
                state.complaint = nil
            } catch {
                let complaint = error.reasons.joined(separator: "; ")
                if complaint != state.complaint {
                    for reason in error.reasons.prefix(20) { RelayLog.write("routes kept", [("mistake", reason)]) }
                }
                state.complaint = complaint
            }
            return state.generation
        }
    }

    /// Where `token` leads.
    func route(_ token: Secret) -> FileRoute? { state.withLock { $0.routes[token.exposed] } }

    /// A number no other view of this process has.
    func nextView() -> UInt64 { lastView.add(1, ordering: .relaxed).newValue }

    private struct Fault: Error {
        let reasons: [String]
    }

    private static func read(_ path: String, into state: inout State) throws(Fault) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw Fault(reasons: [String(cString: strerror(errno))]) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw Fault(reasons: ["this is no file"])
        }
        let mark = Mark(
            device: UInt(status.st_dev), inode: UInt(status.st_ino), size: Int(status.st_size),
            seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
        guard mark != state.mark || state.isYoung else { return }
        guard mark.size <= RouteLines.limit else { throw Fault(reasons: ["more than \(RouteLines.limit) bytes"]) }
        let bytes = try contents(descriptor)
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        state.mark = mark
        state.isYoung = abs(now.tv_sec - mark.seconds) <= 2
        let lines = RouteLines(bytes)
        guard lines.mistakes.isEmpty else { throw Fault(reasons: lines.mistakes.map(\.description)) }
        state.routes = lines.routes
    }

    private static func contents(_ descriptor: Int32) throws(Fault) -> [UInt8] {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 * 1024)
        while bytes.count <= RouteLines.limit {
            let count = Glibc.read(descriptor, &piece, piece.count)
            if count == 0 { return bytes }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Fault(reasons: [String(cString: strerror(errno))]) }
            bytes.append(contentsOf: piece[..<count])
        }
        throw Fault(reasons: ["more than \(RouteLines.limit) bytes"])
    }
}
