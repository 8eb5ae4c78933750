import ControlProtocol
import Foundation
import SessionModel
import Testing

@Suite("the portal's own parsing accepts what maxwell prints")
struct PortalContractTests {
    private static let token = "0123456789abcdef0123456789abcdef"

    private static let view = ViewAnswer(
        session: SessionNumber(12), width: 1024, height: 768, host: "hub.example.org", port: 563, browserPort: 8443,
        encpassword: "beafef4c081572d8", connect: Secret("vncsession:" + token), readOnly: false)

    /// Runs `body` with a portal whose controller gives `reply`, and that controller.
    private func portal(
        _ reply: @escaping @Sendable (ControlRequest) -> ControlReply?,
        _ body: (Portal, CannedController) throws -> Void
    ) throws {
        let controller = try CannedController(reply: reply)
        defer { controller.close() }
        try body(Portal(socket: controller.path), controller)
    }

    @Test("start tells the session's number and nothing else")
    func start() throws {
        try portal({ _ in .started(SessionNumber(123)) }) { portal, controller in
            let told = try portal.run("start user=alice ip=192.0.2.7 app=workspace_r12 version=12 dbname=hub")
            #expect(told.text == "Session is 123\n")
            #expect(told.success && told.error == nil && told.session == "123")
            #expect(
                try controller.requests.last
                    == .start(
                        StartOrder(
                            user: UserName("alice"), address: "192.0.2.7",
                            application: ApplicationName("workspace_r12"), version: "12")))
        }
    }

    @Test("start carries parameters as the portal encodes them, through both shells")
    func parameters() throws {
        try portal({ _ in .started(SessionNumber(1)) }) { portal, controller in
            // rawurlencode("file(x):~/a b\r\nint(n):3 é*") with the blanks that the portal puts around.
            let line =
                "start user=alice ip=::1 app=x_dev version=  params=file%28x%29%3A~%2Fa%20b%0D%0Aint%28n%29%3A3%20%C3%A9%2A  zone=west"
            let told = try portal.run(line)
            #expect(told.session == "1")
            #expect(
                try controller.requests.last
                    == .start(
                        StartOrder(
                            user: UserName("alice"), address: "::1", application: ApplicationName("x_dev"),
                            parameters: "file(x):~/a b\r\nint(n):3 é*", zone: ZoneName("west"))))
        }
    }

    @Test("view satisfies both viewers with one flat object")
    func view() throws {
        try portal({ _ in .view(Self.view) }) { portal, controller in
            let told = try portal.run("view user=alice ip=192.0.2.7 sess=12")
            #expect(
                told.text == """
                    {"session":12,"width":1024,"height":768,"host":"hub.example.org","port":563,\
                    "encpassword":"beafef4c081572d8","connect":"vncsession:\(Self.token)","token":"\(Self.token)",\
                    "wsproxy_host":"hub.example.org","wsproxy_port":8443,"wsproxy_encrypt":true,"view_only":false}

                    """)
            #expect(told.success && told.flat && told.error == nil)
            #expect(
                told.viewers?["novnc"] == [
                    "width": "1024", "height": "768", "token": Self.token, "wsproxy_host": "hub.example.org",
                    "wsproxy_port": "8443", "wsproxy_encrypt": "Yes",
                ])
            #expect(
                told.viewers?["java"] == [
                    "width": "1024", "height": "768", "HOST": "hub.example.org", "PORT": "563",
                    "ENCPASSWORD": "beafef4c081572d8", "CONNECT": "vncsession:" + Self.token, "View Only": "No",
                ])
            _ = try portal.run("view user=bob ip=192.0.2.7 sess=12 readonly=1")
            #expect(
                try controller.requests.last
                    == .view(
                        ViewOrder(
                            session: SessionNumber(12), user: UserName("bob"), address: "192.0.2.7", readOnly: true)))
        }
    }

    @Test(
        "the words without a result of their own print an object that counts as done",
        arguments: [
            ("stop 12", Portal.Way.site, #"{"session":12,"status":"stopped"}"#),
            ("create_userhome 'alice'", .plain, #"{"user":"alice","status":"done"}"#),
            ("update_quota '1000' '500' '600'", .plain, #"{"uid":"1000","status":"done"}"#),
            ("update_quota '1000' '' ''", .plain, #"{"uid":"1000","status":"done"}"#),
            ("screenshot alice", .plain, #"{"user":"alice","status":"done"}"#),
        ])
    func done(line: String, way: Portal.Way, expected: String) throws {
        try portal({ _ in .done("") }) { portal, _ in
            let told = try portal.run(line, way)
            #expect(told.text == expected + "\n")
            #expect(told.success && told.flat && told.status == 0)
        }
    }

    @Test("stop is at once for the portal: it asks for no delay, and no sentence is in its answer")
    func stop() throws {
        try portal({ _ in .done("Session 12 is being ended.") }) { portal, controller in
            for way in [Portal.Way.site, .plain] {
                let told = try portal.run("stop 12", way)
                #expect(told.text == #"{"session":12,"status":"stopped"}"# + "\n")
                #expect(told.success && told.flat && told.status == 0)
                #expect(controller.requests.last == .stop(session: SessionNumber(12), delay: nil))
            }
        }
    }

    @Test("check prints one line per finding, and nothing that is HTML")
    func check() throws {
        try portal({ _ in .lines(["sshd answers", "Xvnc <b>1.12</b> & bwrap are there"], good: true) }) {
            portal, controller in
            let told = try portal.run("check east-1 yes", .plain)
            #expect(told.text == "sshd answers\nXvnc 'b'1.12'/b' ' bwrap are there\n")
            #expect(told.status == 0)
            #expect(controller.requests.last == .check(host: try HostName("east-1"), apply: true))
        }
        try portal({ _ in .lines(["sshd does not answer"], good: false) }) { portal, _ in
            let told = try portal.run("check east-1 yes", .plain)
            #expect(told.text == "sshd does not answer\n")
            #expect(told.status == 69 && told.error == "sshd does not answer")
        }
    }

    @Test(
        "a refusal is its sentence on the first line and its status, for every word",
        arguments: [
            "start user=alice ip=::1 app=xterm version=1", "view user=alice ip=::1 sess=12", "stop 12",
            "check east-1 yes", "create_userhome alice", "update_quota 1000 1 2", "screenshot alice",
        ])
    func refused(line: String) throws {
        let refusal = Refusal("There is no account named alice.", .noUser, cause: "LDAP: no such object")
        try portal({ _ in .refused(refusal) }) { portal, _ in
            let told = try portal.run(line)
            #expect(told.text == "There is no account named alice.\n")
            #expect(told.status == 67 && !told.success && told.session == nil)
            #expect(told.error == "There is no account named alice.")
        }
    }

    @Test("a cause with an error id shows the id, and stays one line")
    func errorID() throws {
        let refusal = Refusal("Every host is down;\nplease try again.", .unavailable, cause: "secret", errorID: "a1b2")
        try portal({ _ in .refused(refusal) }) { portal, _ in
            let told = try portal.run("start user=alice ip=::1 app=xterm version=1")
            #expect(told.text == "Every host is down; please try again. (error a1b2)\n")
        }
    }

    @Test(
        "arguments that a visitor smuggled in are refused before anyone is asked",
        arguments: [
            "stop 12 user=bob", "stop 12 13", "stop", "stop 12a", "stop -1", "stop ''", "stop 12 --json",
            "stop 12 --notice --in 10m", "stop 12 --notice user=bob", "stop 12 --in 30d 13",
            "view user=alice ip=::1 sess=12 user=bob", "view user=alice ip=::1 sess=12 sess=13",
            "view user=alice ip=::1 sess=12 13", "view user=alice ip=::1", "view user=alice ip=::1 sess=12 app=x",
            "view user=alice ip=::1 sess=12 --help", "start user=alice ip=::1 app=xterm version=1 version=2",
            "start user=alice ip=::1 app=xterm sess=1", "start user=alice ip=::1 app=xterm more",
            "start user=alice ip=::1 app=xterm params=%ZZ", "start user=alice ip=::1 app=xterm params=%FF",
            "start user=alice ip=::1 app=xterm params=a%00b", "start ip=::1 app=xterm", "start user=alice ip=::1",
            "start user=al/ice ip=::1 app=xterm", "check east-1 perhaps", "screenshot alice user=bob", "",
        ])
    func smuggled(line: String) throws {
        try portal({ _ in .started(SessionNumber(1)) }) { portal, controller in
            let told = try portal.run(line)
            #expect(told.status == 64 && !told.success)
            #expect(told.lines.count == 1 && told.error?.isEmpty == false)
            #expect(controller.requests.isEmpty)
        }
    }

    @Test("without a session service there is one sentence that says so")
    func nobody() throws {
        let told = try Portal(socket: "/tmp/no-such-folder/socket").run("start user=alice ip=::1 app=xterm version=1")
        #expect(told.text == "The session service is not running; please try again in a minute.\n")
        #expect(told.status == 75 && !told.success)
    }

    @Test("a session service that hangs up, or answers beside the point, is one sentence")
    func strange() throws {
        try portal({ _ in nil }) { portal, _ in
            let told = try portal.run("stop 12")
            #expect(told.text == "The session service stopped before it answered; please try again in a minute.\n")
            #expect(told.status == 75)
        }
        try portal({ _ in .hosts([]) }) { portal, _ in
            let told = try portal.run("start user=alice ip=::1 app=xterm version=1")
            #expect(told.status == 76 && told.lines.count == 1 && !told.success)
        }
    }

    @Test("login reads the password from standard input, never from an argument")
    func login() throws {
        let controller = try CannedController { _ in .done("The password of alice is right.") }
        defer { controller.close() }
        let (output, complaint, status) = try Program.run(
            Portal.built("maxwell"), ["login", "alice"], environment: ["MAXWELL_SOCKET": controller.path],
            input: "pass word\nmore\n")
        #expect(String(decoding: output, as: UTF8.self) == "The password of alice is right.\n")
        #expect(complaint.isEmpty && status == 0)
        #expect(try controller.requests == [.login(user: UserName("alice"), password: Secret("pass word"))])
    }
}
