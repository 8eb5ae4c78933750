import CLinux
import Glibc
import RelayProtocol

/// What a relay's life gets from the one before it, over a socket pair of sequenced packets: a packet for each door with
/// its descriptor (SCM_RIGHTS), one with the rest; then it answers that it accepts.
public struct Inheritance: Sendable {
    /// What every door's packet starts with; the rest, and the answer.
    fileprivate enum Word: UInt8 { case door = 1, nativeDoor, rest, accepting }

    public let doors: [ListeningSocket]
    let ticketKeys: TicketKeys
    /// The lives of this relay whose views go on, oldest first.
    let predecessors: [String]
    private let line: Int32

    /// Receives it on the descriptor the predecessor left open.
    public init(from line: Int32) throws(RelayStartError) {
        _ = fcntl(line, F_SETFD, FD_CLOEXEC)
        var doors: [ListeningSocket] = []
        var packet = [UInt8](repeating: 0, count: 4096)
        while true {
            var descriptor: Int32 = -1
            let count = clinux_receive_descriptor(line, &packet, packet.count, &descriptor)
            guard count > 0, let word = Word(rawValue: packet[0]) else {
                throw RelayStartError(description: "the relay before this one handed over nothing")
            }
            switch word {
            case .door, .nativeDoor:
                guard descriptor >= 0 else { throw RelayStartError(description: "a door came without its socket") }
                doors.append(try ListeningSocket.adopt(descriptor, greetsInRFB: word == .nativeDoor))
            case .rest:
                guard count > TicketKeys.length, let keys = TicketKeys(Array(packet[1...TicketKeys.length])) else {
                    throw RelayStartError(description: "the relay before this one handed over no ticket keys")
                }
                let text = String(decoding: packet[(1 + TicketKeys.length)..<count], as: UTF8.self)
                self.doors = doors
                self.line = line
                ticketKeys = keys
                predecessors = text.split(separator: " ").map(String.init)
                return
            case .accepting: throw RelayStartError(description: "the relay before this one handed over nothing")
            }
        }
    }

    /// Tells the predecessor that connections are accepted here.
    func acknowledge() {
        var word = Word.accepting.rawValue
        _ = send(line, &word, 1, Int32(MSG_NOSIGNAL))
        close(line)
    }
}

/// A successor that was started and has not answered yet.
struct Succession {
    /// How it goes.
    enum News: Equatable {
        case waiting
        case accepting
        case failed(String)
    }

    /// Seconds a successor may take.
    static let patience = 30.0
    /// So many lives before are remembered.
    static let generations = 8

    let successor: pid_t
    private let line: Int32
    private let since: Double

    /// Starts `program` with `arguments` and `--inherit` with what it gets.
    init(
        _ program: String, _ arguments: [String], doors: [ListeningSocket], ticketKeys: TicketKeys,
        predecessors: [String]
    ) throws(RelayStartError) {
        var ends: [Int32] = [-1, -1]
        guard clinux_packet_pair(&ends) == 0 else { throw Succession.failed("socketpair") }
        defer { close(ends[1]) }
        line = ends[0]
        since = monotonicSeconds()
        do throws(RelayStartError) {
            successor = try Succession.spawn(program, arguments, leaving: ends[1])
            var packets = doors.map { ($0.greetsInRFB ? Inheritance.Word.nativeDoor : .door, $0.descriptor, [UInt8]()) }
            let lives = predecessors.suffix(Succession.generations).joined(separator: " ")
            packets.append((.rest, -1, ticketKeys.bytes + Array(lives.utf8)))
            for (word, descriptor, rest) in packets {
                let bytes = [word.rawValue] + rest
                let sent =
                    descriptor < 0
                    ? send(line, bytes, bytes.count, Int32(MSG_NOSIGNAL))
                    : clinux_send_descriptor(line, nil, 0, bytes, bytes.count, descriptor)
                guard sent == bytes.count else { throw Succession.failed("sendmsg") }
            }
        } catch {
            close(line)
            throw error
        }
    }

    /// Looks, without waiting, what became of it; asked again only while it is ``News/waiting``.
    func news(at now: Double) -> News {
        var word: UInt8 = 0
        let count = recv(line, &word, 1, Int32(MSG_DONTWAIT))
        if count == 1, word == Inheritance.Word.accepting.rawValue {
            close(line)
            return .accepting
        }
        let isSilent = count < 0 && (errno == EAGAIN || errno == EINTR)
        if isSilent, now - since < Succession.patience { return .waiting }
        close(line)
        kill(successor, SIGKILL)
        var status: Int32 = 0
        waitpid(successor, &status, 0)
        return .failed(isSilent ? "it did not answer within \(Int(Succession.patience)) s" : "it ended at its start")
    }

    private static func spawn(
        _ program: String, _ arguments: [String], leaving line: Int32
    ) throws(RelayStartError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // The only descriptor besides the standard ones that is not closed.
        posix_spawn_file_actions_adddup2(&actions, line, 3)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var words: [UnsafeMutablePointer<CChar>?] =
            ([program] + arguments + ["--inherit", "3"]).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var pid: pid_t = 0
        let failure = posix_spawn(&pid, program, &actions, &attributes, &words, environ)
        guard failure == 0 else {
            throw RelayStartError(description: "posix_spawn \(program): \(String(cString: strerror(failure)))")
        }
        return pid
    }

    private static func failed(_ call: String) -> RelayStartError {
        RelayStartError(description: "\(call): \(String(cString: strerror(errno)))")
    }
}
