import RelayProtocol
import SessionModel
import Testing

@Suite("a routes file")
struct RouteLinesTests {
    private static let token = String(repeating: "a", count: 32)
    private static let other = String(repeating: "b", count: 32)

    private func route(_ line: String) -> FileRoute? {
        let read = RouteLines(Array(line.utf8))
        #expect(read.mistakes == [], "\(line)")
        return read.routes[Self.token]
    }

    private func mistake(_ line: String) -> RouteMistake? {
        let read = RouteLines(Array(line.utf8))
        #expect(read.routes.isEmpty, "\(line)")
        return read.mistakes.first
    }

    @Test("a line says kind, place and whether it is only for watching")
    func lines() throws {
        let unix = try #require(route("\(Self.token) rfb unix:/run/x.sock"))
        #expect(unix.kind == .rfb && unix.place == .unix("/run/x.sock") && unix.mode == .act)
        #expect(route("\(Self.token)\ttcp   127.0.0.1:5901\r\n")?.place == .host("127.0.0.1", port: 5901))
        #expect(route("\(Self.token) tcp [::1]:5901")?.place == .host("::1", port: 5901))
        #expect(route("\(Self.token) tcp [fe80::1%eth0]:1")?.place == .host("fe80::1%eth0", port: 1))
        #expect(route("\(Self.token) rfb node7.example.org:65535 readonly")?.mode == .watch)
        #expect(route("\(Self.token) rfb node7.example.org:65535 readonly")?.kind == .rfb)
    }

    @Test("comments, empty lines and a last line without its end count for nothing")
    func comments() {
        let text = "# \(Self.other) rfb h:1\n\n  \t\n\(Self.token) tcp h:1 # here\n#\n\(Self.other) rfb h:2#x"
        let read = RouteLines(Array(text.utf8))
        #expect(read.mistakes == [])
        #expect(read.routes.count == 2 && read.routes[Self.other]?.place == .host("h", port: 2))
    }

    @Test(
        "a mistake is told with its line",
        arguments: [
            "rfb unix:/x", "aaaa rfb unix:/x", "\(token.uppercased()) rfb unix:/x", "\(token) vnc unix:/x",
            "\(token) rfb", "\(token) rfb unix:x", "\(token) rfb unix:", "\(token) rfb h", "\(token) rfb h:",
            "\(token) rfb h:0", "\(token) rfb h:65536", "\(token) rfb h:-1", "\(token) rfb :1", "\(token) rfb ::1:1",
            "\(token) rfb []:1", "\(token) rfb [h]:1", "\(token) rfb h/x:1", "\(token) rfb h:1 writable",
            "\(token) rfb h:1 readonly x", "\(token) tcp h:1 readonly", "\u{0}", "\(token) rfb h\u{7f}:1",
            "\(token) rfb unix:/" + String(repeating: "x", count: 107),
        ])
    func mistakes(_ line: String) {
        #expect(mistake("\n# comment\n" + line)?.line == 3, "\(line)")
    }

    @Test("a mistake spoils no other line, and a token has one line")
    func others() {
        let read = RouteLines(Array("x\n\(Self.token) rfb h:1\n\(Self.token) rfb h:2\n".utf8))
        #expect(read.mistakes.map(\.line) == [1, 3])
        #expect("\(read.mistakes[1])" == "line 3: this token has a line already")
        #expect(read.routes.count == 1)
    }

    @Test("no mistake repeats a token")
    func secrets() {
        for line in ["\(Self.token) x h:1", "\(Self.token) rfb x", "\(Self.token)", "\(Self.token)a rfb h:1"] {
            #expect(mistake(line)?.reason.contains(Self.token) == false)
        }
    }

    @Test("bytes that are no text are a mistake, and nothing traps at any cut")
    func cuts() {
        #expect(RouteLines([255, 254, 32, 0, 10]).mistakes.count == 1)
        let good = Array("\(Self.token) rfb [fe80::1%eth0]:5901 readonly # x\n".utf8)
        for count in 0..<good.count { _ = RouteLines(good.prefix(count)) }
        for index in good.indices {
            for byte in UInt8.min...UInt8.max {
                var changed = good
                changed[index] = byte
                let read = RouteLines(changed)
                #expect(read.routes.count + read.mistakes.count <= 2)
            }
        }
    }

    @Test("who came by a line may stay while another one allows as much")
    func permits() throws {
        let act = try #require(route("\(Self.token) rfb h:1"))
        let watch = try #require(route("\(Self.token) rfb h:1 readonly"))
        #expect(act.permits(act) && watch.permits(watch) && watch.permits(act))
        #expect(!act.permits(watch) && !act.permits(nil))
        #expect(!act.permits(route("\(Self.token) rfb h:2")) && !act.permits(route("\(Self.token) tcp h:1")))
    }
}
