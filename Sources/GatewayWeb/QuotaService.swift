import CLinux
import ControlProtocol
import ControlSocket
import Glibc
import Logging
import SessionModel
import Synchronization

/// The portal's two-line protocol about disk space (``QuotaLine``), on a TCP port: a line, an answer, the end. Of this
/// machine's accounts root and the portal's are answered (``QuotaAsker``). What the controller is asked is what it lets
/// `maxwell-web` ask.
public final class QuotaService: Sendable {
    /// Connections at the same time; one more is closed at once.
    private static let most = 32

    private let socket: Int32
    private let controller: String
    private let portalUsers: [String]
    private let patience: Double
    private let logger: Logger
    private let open = Mutex(0)

    /// Listens on the socket that systemd passed (sd_listen_fds(3)), else on `host`, an IPv4 or IPv6 address, and `port`,
    /// where they are given; nil without either. `controller` is its socket's path; `portalUsers` are
    /// the accounts that may ask besides root; a connection may take `patience` seconds.
    public init?(
        host: String?, port: Int, controller: String, portalUsers: [String], patience: Double = 30, logger: Logger
    ) throws(QuotaServiceError) {
        if let passed = Self.passedSocket() {
            socket = passed
        } else if let host {
            socket = try Self.listen(host, port)
        } else {
            return nil
        }
        self.controller = controller
        self.portalUsers = portalUsers
        self.patience = patience
        self.logger = logger
    }

    /// The port it listens on.
    public var port: Int {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let isKnown = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &length) == 0 }
        }
        // Both families have their port in the same place (RFC 2553 §3.3).
        return !isKnown
            ? 0 : withUnsafeBytes(of: &address) { Int(UInt16(bigEndian: $0.load(fromByteOffset: 2, as: UInt16.self))) }
    }

    /// Answers until the process ends. Returns at once.
    public func serve() throws(ThreadError) {
        try detachThread { [self] in
            while true {
                let connection = clinux_accept(socket)
                if connection >= 0 {
                    receive(connection)
                } else if errno == EMFILE || errno == ENFILE {
                    usleep(50_000)
                } else if errno != EINTR && errno != ECONNABORTED {
                    return logger.error("quotas are not answered any more", metadata: ["errno": "\(errno)"])
                }
            }
        }
    }

    private func receive(_ connection: Int32) {
        let isTaken = open.withLock { open in
            guard open < Self.most else { return false }
            open += 1
            return true
        }
        guard isTaken else {
            close(connection)
            return
        }
        do throws(ThreadError) {
            try detachThread { [self] in
                answer(connection)
                finish(connection)
            }
        } catch {
            finish(connection)
        }
    }

    private func finish(_ connection: Int32) {
        close(connection)
        open.withLock { $0 -= 1 }
    }

    private func answer(_ connection: Int32) {
        let deadline = Self.now() + patience
        let asker = QuotaAsker(of: connection)
        guard asker.mayAsk(portalUsers) else { return tellRefused(asker) }
        guard let line = readLine(connection, until: deadline), let request = QuotaLine.request(line) else { return }
        let text: String
        do throws(ControlSocketError) {
            let left = max(1, Int(deadline - Self.now()))
            let asked = try ControlConnection(path: controller, patience: left)
            defer { asked.close() }
            let reply = try asked.ask(request)
            if case .refused(let refusal) = reply {
                text = QuotaLine.answer(refusal, to: request)
            } else {
                text = QuotaLine.answer(reply)
            }
        } catch {
            logger.warning("the controller does not answer", metadata: ["cause": "\(error.operatorCause ?? "")"])
            return
        }
        // It fits into a socket's buffer: nobody makes us wait.
        let bytes = Array(text.utf8)
        _ = send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
    }

    private func tellRefused(_ asker: QuotaAsker) {
        if case .account(let uid) = asker {
            logger.warning("somebody who may not asked for quotas", metadata: ["uid": "\(uid)"])
        } else {
            logger.warning(
                "it is not known who asked for quotas", metadata: ["cause": "no such socket in /proc/net/tcp, tcp6"])
        }
    }

    /// The bytes before the first line end; nil when none comes in time, or too late.
    private func readLine(_ connection: Int32, until deadline: Double) -> ArraySlice<UInt8>? {
        var line: [UInt8] = []
        while line.count < QuotaLine.longest {
            var waiting = pollfd(fd: connection, events: Int16(POLLIN), revents: 0)
            let left = deadline - Self.now()
            guard left > 0 else { return nil }
            guard poll(&waiting, 1, Int32(left * 1000) + 1) >= 0 || errno == EINTR else { return nil }
            guard waiting.revents != 0 else { continue }
            var part = [UInt8](repeating: 0, count: QuotaLine.longest - line.count)
            let count = recv(connection, &part, part.count, Int32(MSG_DONTWAIT))
            if count < 0 && (errno == EINTR || errno == EAGAIN) { continue }
            guard count > 0 else { return nil }
            line += part[..<count]
            if let end = line.firstIndex(of: UInt8(ascii: "\n")) { return line[..<end] }
        }
        return nil
    }

    /// The one socket that was passed to this process, if there is one.
    private static func passedSocket() -> Int32? {
        guard let pid = getenv("LISTEN_PID"), Int32(String(cString: pid)) == getpid(),
            let count = getenv("LISTEN_FDS"), Int32(String(cString: count)) == 1
        else { return nil }
        _ = fcntl(3, F_SETFD, FD_CLOEXEC)
        return 3
    }

    private static func listen(_ host: String, _ port: Int) throws(QuotaServiceError) -> Int32 {
        func failed(_ call: String, _ cause: String) -> QuotaServiceError {
            QuotaServiceError(cause: "\(call) \(host) port \(port): \(cause)")
        }
        var hints = addrinfo()
        hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let failure = getaddrinfo(host, String(port), &hints, &found)
        guard failure == 0, let first = found else {
            throw failed("listen on", String(cString: gai_strerror(failure)))
        }
        defer { freeaddrinfo(found) }
        let descriptor = Glibc.socket(
            first.pointee.ai_family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw failed("socket", String(cString: strerror(errno))) }
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        guard bind(descriptor, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0,
            Glibc.listen(descriptor, 64) == 0
        else {
            let cause = String(cString: strerror(errno))
            close(descriptor)
            throw failed("listen on", cause)
        }
        return descriptor
    }

    private static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// Why quotas cannot be told on the port that was asked for.
public struct QuotaServiceError: UserFacingError, Equatable {
    let cause: String

    /// One sentence for the person.
    public var userMessage: String { "Quotas cannot be told on the port of web.quota_listen; please choose another." }

    /// What the daemon ends with.
    public var exitStatus: ExitStatus { .unavailable }

    /// The call and its error.
    public var operatorCause: String? { cause }
}
