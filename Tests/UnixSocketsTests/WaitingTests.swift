import Glibc
import Testing
import UnixSockets

@Suite("a connection to a Unix socket")
struct WaitingTests {
    /// Calls `body` with an address where one connection is taken in by the kernel and no second one waits.
    private func withListener(_ body: (UnixAddress) throws -> Void) throws {
        let name = "mw-waiting-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let address = try #require(UnixAddress(abstract: name.utf8))
        let listener = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        try #require(address.withPointer { bind(listener, $0, $1) } == 0 && listen(listener, 0) == 0)
        try body(address)
    }

    @Test("who may not wait is told at once where others wait already, who may wait some time is told after it")
    func bounded() throws {
        try withListener { address in
            let first = try #require(address.connected(.always))
            defer { close(first) }
            #expect(fcntl(first, F_GETFL) & O_NONBLOCK == 0)
            #expect(fcntl(first, F_GETFD) & FD_CLOEXEC != 0)
            #expect(address.connected(.never) == nil)
            #expect(errno == EAGAIN)
            #expect(address.connected(.atMost(seconds: 1)) == nil)
            #expect(errno == EAGAIN)
        }
    }

    @Test("a wait is bounded for what is read afterwards too")
    func reading() throws {
        try withListener { address in
            let socket = try #require(address.connected(.atMost(seconds: 1)))
            defer { close(socket) }
            var byte: UInt8 = 0
            #expect(read(socket, &byte, 1) == -1)
            #expect(errno == EAGAIN)
        }
        try withListener { address in
            let socket = try #require(address.connected(.never))
            defer { close(socket) }
            #expect(fcntl(socket, F_GETFL) & O_NONBLOCK != 0)
        }
    }

    @Test("where nobody listens there is none, and errno says why")
    func nobody() throws {
        let address = try #require(UnixAddress(path: "/nowhere/at/all"))
        #expect(address.connected(.always) == nil)
        #expect(errno == ENOENT)
    }
}
