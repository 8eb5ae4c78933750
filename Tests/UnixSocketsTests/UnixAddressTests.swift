import Glibc
import Testing
import UnixSockets

@Suite("where a Unix socket is")
struct UnixAddressTests {
    @Test("a path has 107 bytes at most, at least one, and no NUL")
    func paths() {
        #expect(UnixAddress(path: String(repeating: "a", count: 107)) != nil)
        #expect(UnixAddress(path: String(repeating: "a", count: 108)) == nil)
        #expect(UnixAddress(path: String(repeating: "ä", count: 54)) == nil)
        #expect(UnixAddress(path: "") == nil)
        #expect(UnixAddress(path: "/run/a\0b") == nil)
    }

    @Test("an abstract name has 107 bytes at most, whichever they are")
    func names() {
        #expect(UnixAddress(abstract: [UInt8](repeating: 0, count: 107)) != nil)
        #expect(UnixAddress(abstract: [UInt8](repeating: 0, count: 108)) == nil)
    }

    @Test("the kernel reads back the longest of both", arguments: [true, false])
    func longest(isAbstract: Bool) throws {
        var folder = Array("/tmp/mwunXXXXXX".utf8CString)
        try #require(mkdtemp(&folder) != nil)
        let place = String(decoding: folder.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        let path = place + "/" + String(repeating: "s", count: 107 - place.utf8.count - 1)
        defer {
            unlink(path)
            rmdir(place)
        }
        let address = try #require(isAbstract ? UnixAddress(abstract: path.utf8) : UnixAddress(path: path))
        let socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(socket) }
        try #require(address.withPointer { bind(socket, $0, $1) } == 0)

        var bytes = [UInt8](repeating: 0, count: 200)
        var length = socklen_t(bytes.count)
        let told = bytes.withUnsafeMutableBytes { room in
            room.withMemoryRebound(to: sockaddr.self) { getsockname(socket, $0.baseAddress, &length) }
        }
        #expect(told == 0)
        #expect(Array(bytes.prefix(Int(length))) == address.bytes)
        #expect((access(path, F_OK) == 0) == !isAbstract)
    }
}
