import Foundation
import Testing
import ViewClient

extension EndToEnd {
    @Test("start writes the session's row and its owner's viewperm row")
    func startWritesRows() throws {
        try Gateway.withSession { number in
            let session = try Gateway.sql(
                """
                SELECT username, remoteip, appname, exechost <> '', dispnum > 0, timeout > 0,
                       sesstoken REGEXP '^[0-9a-f]{32}$'
                  FROM session WHERE sessnum = \(number)
                """)
            #expect(session == ["alice\t127.0.0.1\txterm\t1\t1\t1\t1"])
            let permission = try Gateway.sql(
                """
                SELECT viewuser, viewtoken REGEXP '^[0-9a-f]{32}$', geometry REGEXP '^[0-9]+x[0-9]+$',
                       vncpass REGEXP '^[0-9a-f]{16}$', readonly
                  FROM viewperm WHERE sessnum = \(number)
                """)
            #expect(permission == ["alice\t1\t1\t1\tNo"])
        }
    }

    @Test("view prints one flat JSON object with what both of the portal's viewers need")
    func viewPrintsKeys() throws {
        try Gateway.withSession { number in
            let keys = try Gateway.view(number)
            #expect(keys["session"] as? Int == Int(number))
            #expect(keys["port"] as? Int == (try Gateway.port))
            #expect(keys["wsproxy_port"] as? Int == (try Gateway.port == 563 ? 8443 : Gateway.port))
            let token = try #require(keys["token"] as? String)
            #expect(keys["connect"] as? String == "vncsession:\(token)")
            #expect((keys["encpassword"] as? String)?.count == 16)
            let width = try #require(keys["width"] as? Int)
            let height = try #require(keys["height"] as? Int)
            let stored = try Gateway.sql("SELECT geometry FROM viewperm WHERE sessnum = \(number)")
            #expect(stored == ["\(width)x\(height)"])
            #expect(!keys.values.contains { $0 is [Any] || $0 is [String: Any] })
        }
    }

    @Test("stop leaves no rows but one of sessionlog, and renames the session's folder")
    func stopCleansUp() throws {
        let number = try Gateway.start()
        let folder = try Gateway.setting("MAXWELL_ALICE_HOME") + "/data/sessions/\(number)"
        #expect(FileManager.default.fileExists(atPath: folder))
        let viewer = try Gateway.viewer(number)
        _ = try viewer.frame()
        let answer = try Gateway.maxwell("stop", number)
        #expect(answer.status == 0, "\(answer.output)")
        try viewer.waitForEnd()
        #expect(try Gateway.sql("SELECT sessnum FROM session WHERE sessnum = \(number)").isEmpty)
        #expect(try Gateway.sql("SELECT sessnum FROM viewperm WHERE sessnum = \(number)").isEmpty)
        try Gateway.eventually("no view row") {
            try Gateway.sql("SELECT viewid FROM view WHERE sessnum = \(number)").isEmpty
        }
        let log = try Gateway.sql(
            "SELECT username, appname, walltime > 0 FROM sessionlog WHERE sessnum = \(number)")
        #expect(log == ["alice\txterm\t1"])
        #expect(!FileManager.default.fileExists(atPath: folder))
        #expect(FileManager.default.fileExists(atPath: folder + "-expired"))
    }

    @Test("an application that exits by itself ends its session")
    func applicationExits() throws {
        let number = try Gateway.start()
        let viewer = try Gateway.viewer(number)
        _ = try viewer.frame { $0.distinctColours > 1 }
        try viewer.point(x: 60, y: 60)
        try viewer.type("exit\n")
        try viewer.waitForEnd(within: .seconds(20))
        try Gateway.eventually("the session's row is gone") {
            try Gateway.sql("SELECT sessnum FROM session WHERE sessnum = \(number)").isEmpty
        }
        try Gateway.eventually("one row of sessionlog") {
            try Gateway.sql("SELECT username FROM sessionlog WHERE sessnum = \(number)") == ["alice"]
        }
    }

    @Test("stop ends one session and no other, whatever their hosts and displays are called")
    func stopEndsOne() throws {
        let numbers = try (0..<4).map { _ in try Gateway.start() }
        defer { for number in numbers { _ = try? Gateway.maxwell("stop", number) } }
        let displays = try Gateway.sql(
            "SELECT CONCAT(exechost, ':', dispnum) FROM session WHERE sessnum IN (\(numbers.joined(separator: ",")))")
        #expect(Set(displays).count == 4)
        #expect(try Gateway.maxwell("stop", numbers[0]).status == 0)
        for number in numbers.dropFirst() {
            let viewer = try Gateway.viewer(number)
            try viewer.paintTerminal(1)
            #expect(try viewer.frame { $0.count(of: red) > 10_000 }.count(of: red) > 10_000)
        }
    }

    @Test("sessions at once run on two hosts")
    func twoHosts() throws {
        // Three: a session that was there before leaves the first of two starts no choice, and the second a free one.
        let numbers = try ["alice", "bob", "alice"].map { try Gateway.start(user: $0) }
        defer { for number in numbers { _ = try? Gateway.maxwell("stop", number) } }
        let hosts = try Gateway.sql(
            "SELECT DISTINCT exechost FROM session WHERE sessnum IN (\(numbers.joined(separator: ",")))")
        #expect(hosts.count == 2)
        for (number, user) in zip(numbers, ["alice", "bob", "alice"]) {
            let viewer = try Gateway.viewer(number, user: user)
            #expect(try viewer.frame { $0.distinctColours > 1 }.distinctColours > 1)
        }
    }

    @Test("a controller that is killed and started again finds its sessions, and cuts no view")
    func restart() throws {
        try Gateway.withSession { number in
            let viewer = try Gateway.viewer(number)
            _ = try viewer.frame { $0.distinctColours > 1 }
            let configuration = try Gateway.setting("MAXWELL_CONFIG")
            let found = try Gateway.run(["pgrep", "-f", "maxwelld --config \(configuration)"])
            let controllers = found.output.split(separator: "\n").compactMap { pid_t(String($0)) }
            #expect(controllers.count == 1)
            for pid in controllers { kill(pid, SIGKILL) }
            try Gateway.quickstart("--restart", "maxwelld")
            try viewer.paintTerminal(1)
            #expect(try viewer.frame { $0.count(of: red) > 10_000 }.count(of: red) > 10_000)
            let another = try Gateway.viewer(number)
            #expect(try another.frame().count(of: red) > 10_000)
            // A start at once waits until the hosts are connected again.
            try Gateway.withSession(user: "bob") { _ in }
        }
    }
}
