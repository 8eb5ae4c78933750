import ControlProtocol
import ControlSocket
import GatewayWeb
import Glibc
import Logging
import SessionModel
import Synchronization
import Testing

@Suite("the portal's two lines about disk space", .serialized)
struct QuotaServiceTests {
    /// A controller that answers in the way of the test, and the service in front of it.
    private final class Field {
        let folder: String
        let listener: ControlListener
        let service: QuotaService
        let asked = Asked()

        final class Asked: Sendable {
            let requests = Mutex<[ControlRequest]>([])
        }

        /// Answers `portalUsers`; who runs the tests unless told otherwise.
        init(_ reply: ControlReply, portalUsers: [String]? = nil) throws {
            var name = Array("/tmp/mwqsXXXXXX".utf8CString)
            guard mkdtemp(&name) != nil else { throw Missing(what: "mkdtemp") }
            folder = String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
            listener = try ControlListener(path: folder + "/s")
            let asked = asked
            try listener.serve { request, _ in
                asked.requests.withLock { $0.append(request) }
                return reply
            }
            var log = Logger(label: "test")
            log.logLevel = .critical
            // The controller's answer waits its turn among all tests.
            guard
                let service = try QuotaService(
                    host: "127.0.0.1", port: 0, controller: folder + "/s",
                    portalUsers: try portalUsers ?? [Self.ownName()], patience: 600, logger: log)
            else { throw Missing(what: "service") }
            self.service = service
            try service.serve()
        }

        deinit {
            listener.close()
            rmdir(folder)
        }

        private static func ownName() throws -> String {
            guard let account = getpwuid(geteuid()) else { throw Missing(what: "an account's name") }
            return String(cString: account.pointee.pw_name)
        }

        var requests: [ControlRequest] { asked.requests.withLock { $0 } }

        /// `uid`: who made the socket, where it is not who runs the tests; only root can tell that.
        func connect(as uid: uid_t? = nil) throws -> Int32 {
            let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            if let uid, fchown(fd, uid, gid_t.max) != 0 { throw Missing(what: "fchown") }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = UInt16(service.port).bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            let done = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard done == 0 else { throw Missing(what: "connect") }
            return fd
        }

        /// What comes until the connection ends.
        func answer(_ fd: Int32) -> String {
            defer { close(fd) }
            var bytes: [UInt8] = []
            var part = [UInt8](repeating: 0, count: 4096)
            while case let count = recv(fd, &part, part.count, 0), count > 0 { bytes += part[..<count] }
            return String(decoding: bytes, as: UTF8.self)
        }

        func ask(_ line: String) throws -> String {
            let fd = try connect()
            say(line, to: fd)
            return answer(fd)
        }

        func say(_ line: String, to fd: Int32) { _ = send(fd, line, line.utf8.count, Int32(MSG_NOSIGNAL)) }
    }

    private struct Missing: Error {
        let what: String
    }

    private static let alice = UserName(known: "alice")
    private static let quota = ControlReply.quota(
        QuotaAnswer(user: alice, used: 1, softLimit: 2, hardLimit: 3, remaining: 2, isEnforced: false))

    @Test("a line is answered with a line, and the connection ends")
    func quota() throws {
        let field = try Field(Self.quota)
        #expect(try field.ask("getquota user=alice\n") == "space=1,softspace=2,hardspace=3,remaining=2\n")
        #expect(field.requests == [.quota(user: Self.alice)])
    }

    @Test("a line may come byte by byte, and what follows it is not looked at")
    func pieces() throws {
        let field = try Field(Self.quota)
        let fd = try field.connect()
        for byte in "getquota user=alice" { field.say(String(byte), to: fd) }
        field.say("\nrest", to: fd)
        #expect(field.answer(fd).hasPrefix("space=1,"))
    }

    @Test("a purge tells its success, or why there was none")
    func purge() throws {
        let field = try Field(.done(""))
        #expect(try field.ask("purge user=alice,degree=all \n") == "Success.\n")
        #expect(field.requests == [.purge(user: Self.alice, days: nil)])
        let refusing = try Field(.refused(Refusal("Nothing is removed here.", .noPermission)))
        #expect(try refusing.ask("purge user=alice,degree=all \n") == "Nothing is removed here.\n")
        #expect(try refusing.ask("getquota user=alice\n").isEmpty)
    }

    @Test(
        "what is no line is not answered, and asks the controller for nothing",
        arguments: [
            "\n", "GET / HTTP/1.1\r\n\r\n", "getquota user=alice bob\n", String(repeating: "a", count: 5000) + "\n",
            "getquota user=a\u{0}\n", "sessions\n",
        ])
    func noLine(text: String) throws {
        let field = try Field(Self.quota)
        #expect(try field.ask(text).isEmpty)
        #expect(field.requests.isEmpty)
    }

    @Test("connections that say nothing keep nobody else waiting, and too many are turned away")
    func silent() throws {
        let field = try Field(Self.quota)
        var silent: [Int32] = []
        defer { for fd in silent { close(fd) } }
        for _ in 0..<31 { silent.append(try field.connect()) }
        #expect(try field.ask("getquota user=alice\n").hasPrefix("space=1,"))
        for _ in 0..<40 { silent.append(try field.connect()) }
        // Those beyond the limit have ended; the first ones go on.
        var ended = 0
        for fd in silent.suffix(39) {
            var byte: UInt8 = 0
            if recv(fd, &byte, 1, 0) == 0 { ended += 1 }
        }
        #expect(ended == 39)
        field.say("getquota user=alice\n", to: silent[0])
        let fd = silent.removeFirst()
        #expect(field.answer(fd).hasPrefix("space=1,"))
    }

    @Test("of this machine's accounts root and the portal's are answered, and nobody else asks the controller anything")
    func strangers() throws {
        let daemon = try #require(getpwnam("daemon")).pointee.pw_uid
        let isRoot = geteuid() == 0
        let told: [(users: [String], isAnswered: Bool)] = [
            ([], false), (["no-such-account", "bin"], false), (["bin", "daemon"], true),
        ]
        for (users, isAnswered) in told where isRoot || !isAnswered {
            let field = try Field(.done(""), portalUsers: users)
            let fd = try field.connect(as: isRoot ? daemon : nil)
            field.say("purge user=alice,degree=all \n", to: fd)
            #expect(field.answer(fd) == (isAnswered ? "Success.\n" : ""), "\(users)")
            #expect(field.requests.count == (isAnswered ? 1 : 0))
        }
    }

    @Test("a controller that is not there leaves the portal without an answer, at once")
    func noController() throws {
        let field = try Field(Self.quota)
        field.listener.close()
        #expect(try field.ask("getquota user=alice\n").isEmpty)
    }
}
