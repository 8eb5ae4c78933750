import CLinux
import Glibc

/// The unsent rest of what a full socket did not take: the only bytes of a connection that are kept on the heap.
struct Tail {
    private var memory: UnsafeMutablePointer<UInt8>?
    private var start = 0
    private(set) var count = 0
    private var room = 0

    var isEmpty: Bool { count == 0 }

    mutating func append(_ bytes: UnsafePointer<UInt8>, _ more: Int) {
        if start + count + more > room {
            let larger = max(count + more, 4096)
            let fresh = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
            if let memory { memcpy(fresh, memory + start, count) }
            memory?.deallocate()
            (memory, start, room) = (fresh, 0, larger)
        }
        if let memory { memcpy(memory + start + count, bytes, more) }
        count += more
    }

    /// Sends what it can; false when the socket is broken. `blocked` is set when the socket is full.
    mutating func flush(to descriptor: Int32, blocked: inout Bool) -> Bool {
        while let memory, count > 0 {
            let sent = send(descriptor, memory + start, count, Int32(MSG_NOSIGNAL))
            if sent < 0 {
                if errno == EINTR { continue }
                blocked = true
                return errno == EAGAIN
            }
            start += sent
            count -= sent
        }
        free()
        return true
    }

    mutating func free() {
        memory?.deallocate()
        (memory, start, count, room) = (nil, 0, 0, 0)
    }
}
