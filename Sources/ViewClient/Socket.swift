import Glibc

/// A TCP connection, non-blocking underneath.
final class Socket: Channel {
    private(set) var descriptor: Int32

    /// Connects to the first of `host`'s addresses that answers.
    init(host: String, port: Int, by deadline: Deadline) throws(ViewError) {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV
        var found: UnsafeMutablePointer<addrinfo>?
        let failure = getaddrinfo(host, String(port), &hints, &found)
        guard failure == 0 else { throw .unreachable("\(host): \(String(cString: gai_strerror(failure)))") }
        defer { freeaddrinfo(found) }
        var reason = ViewError.unreachable("\(host) has no address")
        var next = found
        while let address = next?.pointee {
            do throws(ViewError) {
                descriptor = try Socket.connect(to: address, by: deadline)
                return
            } catch {
                reason = error
            }
            next = address.ai_next
        }
        throw reason
    }

    deinit { close() }

    private static func connect(to address: addrinfo, by deadline: Deadline) throws(ViewError) -> Int32 {
        let type = address.ai_socktype | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(address.ai_family, type, address.ai_protocol)
        guard descriptor >= 0 else { throw .unreachable(systemError()) }
        do throws(ViewError) {
            if Glibc.connect(descriptor, address.ai_addr, address.ai_addrlen) != 0 {
                guard errno == EINPROGRESS else { throw .unreachable(systemError()) }
                try wait(descriptor, for: POLLOUT, "the connection", by: deadline)
                var code: Int32 = 0
                var size = socklen_t(MemoryLayout<Int32>.size)
                getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
                guard code == 0 else { throw .unreachable(String(cString: strerror(code))) }
            }
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        return descriptor
    }

    func receive(upTo limit: Int, _ what: String, by deadline: Deadline) throws(ViewError) -> [UInt8] {
        while true {
            guard descriptor >= 0 else { throw .closed(waitingFor: what) }
            var count = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, initialized in
                count = recv(descriptor, buffer.baseAddress, limit, 0)
                initialized = max(0, count)
            }
            if count >= 0 { return bytes }
            switch errno {
            case EINTR: continue
            case EAGAIN: try wait(for: POLLIN, what, by: deadline)
            default: throw .closed(waitingFor: what)
            }
        }
    }

    func send(_ bytes: [UInt8], by deadline: Deadline) throws(ViewError) {
        var sent = 0
        while sent < bytes.count {
            guard descriptor >= 0 else { throw .closed(waitingFor: "room to send") }
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.send(
                    descriptor, buffer.baseAddress.map { $0 + sent }, buffer.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                sent += count
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN: try wait(for: POLLOUT, "room to send", by: deadline)
            default: throw .closed(waitingFor: "room to send")
            }
        }
    }

    /// Waits until poll(2) reports `events`, an error or a hang-up.
    func wait(for events: Int32, _ what: String, by deadline: Deadline) throws(ViewError) {
        try Socket.wait(descriptor, for: events, what, by: deadline)
    }

    private static func wait(
        _ descriptor: Int32, for events: Int32, _ what: String, by deadline: Deadline
    ) throws(ViewError) {
        while true {
            var entry = pollfd(fd: descriptor, events: Int16(truncatingIfNeeded: events), revents: 0)
            let ready = poll(&entry, 1, deadline.milliseconds)
            if ready > 0 { return }
            if deadline.passed { throw .timedOut(waitingFor: what) }
            guard ready == 0 || errno == EINTR else { throw .unreachable(systemError()) }
        }
    }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    func abandon() { close() }
}

private func systemError() -> String { String(cString: strerror(errno)) }
