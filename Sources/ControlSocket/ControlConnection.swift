import ControlProtocol
import Glibc
import SessionModel
import Synchronization
import UnixSockets

/// A connection to the controller.
///
/// `@unchecked Sendable`: one thread may send while another receives. Sending is guarded by `sending`; what was
/// received and not yet taken belongs to the receiving thread alone. The descriptor is closed with the object, so
/// that a thread still inside ``receive()`` never reads another file's.
public final class ControlConnection: @unchecked Sendable {
    private let descriptor: Int32
    private let lastID = Mutex<UInt64>(0)
    private let sending = Mutex<Void>(())
    private var lines = ControlLines()

    /// Connects to the socket at `path`.
    public convenience init(path: String) throws(ControlSocketError) {
        try self.init(path: path, patience: nil)
    }

    /// Connects to the socket at `path`. `patience`, in whole seconds, bounds each wait for the controller: to be
    /// accepted, to be read from, to be answered; nil waits as long as it stands.
    public init(path: String, patience: Int?) throws(ControlSocketError) {
        guard let address = UnixAddress(path: path) else { throw .pathTooLong(path) }
        guard let descriptor = address.connected(patience.map { .atMost(seconds: $0) } ?? .always) else {
            throw errno == EACCES ? .forbidden(path: path) : .unreachable(path: path, errno: errno)
        }
        self.descriptor = descriptor
    }

    deinit { _ = Self.closeDescriptor(descriptor) }

    /// The process that serves the socket; nil: the kernel does not tell. It may be gone.
    public var controller: Int32? { Caller(peerOf: descriptor)?.pid }

    /// Sends one request. `id` comes back with its reply.
    public func send(_ request: ControlRequest, id: UInt64) throws(ControlSocketError) {
        let line: [UInt8]
        do {
            line = try ControlLines.line(of: ControlFrame(id: id, body: request))
        } catch is ControlLines.TooLong {
            throw .tooLong
        } catch {
            throw .unreadable(what: "encoding a request: \(error)")
        }
        let failure: ControlSocketError? = sending.withLock { _ in write(line) }
        if let failure { throw failure }
    }

    /// The next reply, whichever request it is for; blocks until it is here.
    public func receive() throws(ControlSocketError) -> ControlFrame<ControlReply> {
        while true {
            if let frame = try taken() { return frame }
            try fill()
        }
    }

    /// One round trip. Replies to other requests on this connection are dropped: a connection that has several
    /// under way uses ``send(_:id:)`` and ``receive()``.
    public func ask(_ request: ControlRequest) throws(ControlSocketError) -> ControlReply {
        let id = lastID.withLock { last in
            last += 1
            return last
        }
        try send(request, id: id)
        while true {
            let frame = try receive()
            if frame.id == id { return frame.body }
        }
    }

    /// Ends the connection: a waiting ``receive()`` throws ``ControlSocketError/closed``. May be called twice.
    public func close() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    private func taken() throws(ControlSocketError) -> ControlFrame<ControlReply>? {
        do {
            guard let line = try lines.next() else { return nil }
            return try ControlLines.frame(in: line)
        } catch is ControlLines.TooLong {
            throw .unreadable(what: "a reply is longer than \(controlFrameLimit) bytes")
        } catch {
            throw .unreadable(what: "decoding a reply: \(error)")
        }
    }

    private func fill() throws(ControlSocketError) {
        var failure: ControlSocketError?
        withUnsafeTemporaryAllocation(byteCount: 16384, alignment: 1) { room in
            while true {
                let count = recv(descriptor, room.baseAddress, room.count, 0)
                if count > 0 { return lines.append(room[..<count]) }
                if count < 0 && errno == EINTR { continue }
                failure = count == 0 ? .closed : Self.failure(errno)
                return
            }
        }
        if let failure { throw failure }
    }

    private func write(_ line: [UInt8]) -> ControlSocketError? {
        line.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Glibc.send(
                    descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count,
                    Int32(MSG_NOSIGNAL))
                if count < 0 {
                    if errno == EINTR { continue }
                    return Self.failure(errno)
                }
                rest = rest.dropFirst(count)
            }
            return nil
        }
    }

    private static func failure(_ errno: Int32) -> ControlSocketError {
        switch errno {
        case EAGAIN: .tooLate
        case EPIPE, ECONNRESET: .closed
        default: .broken(errno: errno)
        }
    }

    /// close(2) under another name, since ``close()`` hides it.
    private static func closeDescriptor(_ descriptor: Int32) -> Int32 { Glibc.close(descriptor) }
}
