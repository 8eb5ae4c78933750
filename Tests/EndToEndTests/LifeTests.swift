import Foundation
import Testing
import ViewClient

/// The life of sessions and views: ends at the right moment and no other, every second watched in the account.
extension EndToEnd {
    /// A row of `maxwell sessions`.
    private struct SessionLine: Decodable {
        var session: UInt64
        var state: String
        var viewers: Int
        var watched: Double
        var ends_in: Int?
        var fate: String
    }

    private func sessionLine(_ number: String) throws -> SessionLine? {
        let answer = try Gateway.maxwell("sessions", "--json")
        guard answer.status == 0 else { throw Missing(description: answer.output) }
        let all = try JSONDecoder().decode([SessionLine].self, from: Data(answer.output.utf8))
        return all.first { "\($0.session)" == number }
    }

    private func lives(_ number: String) throws -> Bool {
        try !Gateway.sql("SELECT 1 FROM session WHERE sessnum = \(number)").isEmpty
    }

    /// One figure of the tables.
    private func figure(_ statement: String) throws -> Double {
        guard let figure = Double(try Gateway.sql(statement).joined()) else {
            throw Missing(description: "no figure: \(statement)")
        }
        return figure
    }

    private func reason(of number: String) throws -> String {
        try Gateway.sql("SELECT reason FROM mw_session WHERE sessnum = \(number)").joined()
    }

    @Test("a session that nobody watches is ended when its timeout is over; a viewer, and a job, keep theirs")
    func unobserved() throws {
        let before = try Traces()
        try Gateway.withApplication("brief", "timeout: 10s") {
            let left = try Gateway.start(app: "brief")
            try Gateway.withSession(app: "brief") { watched in
                try Gateway.withSession(app: "brief") { working in
                    _ = try Gateway.sql(
                        "INSERT INTO job (sessnum, username, event, start, heartbeat, active) VALUES (\(working), 'alice', 'simulation', NOW(), NOW(), 1)"
                    )
                    let viewer = try Gateway.viewer(watched)
                    _ = try viewer.frame { $0.distinctColours > 1 }
                    try Gateway.eventually("it is told how long a session is unobserved") {
                        try Gateway.maxwell("reap", "--dry-run").output.contains("of 10s")
                    }
                    let dry = try Gateway.maxwell("reap", "--dry-run")
                    #expect(dry.output.contains("one viewer watches"), "\(dry.output)")
                    #expect(dry.output.contains("a job runs"), "\(dry.output)")
                    try Gateway.eventually("the session that nobody watches is gone", within: .seconds(40)) {
                        try !lives(left)
                    }
                    #expect(try reason(of: left).hasPrefix("nobody watched it for 1"))
                    #expect(try figure("SELECT walltime FROM sessionlog WHERE sessnum = \(left)") >= 10)
                    let why = try Gateway.maxwell("why", left)
                    #expect(why.output.contains("nobody watched it for"), "\(why.output)")
                    #expect(try lives(watched) && lives(working))
                    #expect(try sessionLine(watched)?.viewers == 1)
                    #expect(try sessionLine(watched)?.ends_in == nil)
                    // Its job has ended: it counts from now.
                    _ = try Gateway.sql("UPDATE job SET active = 0 WHERE sessnum = \(working)")
                    viewer.close()
                    try Gateway.eventually("both are gone", within: .seconds(60)) {
                        try !lives(watched) && !lives(working)
                    }
                }
            }
        }
        try before.expectNoMore()
    }

    @Test("every second watched is in the account: of an idle viewer too, and of two at once only once")
    func account() throws {
        let number = try Gateway.start()
        let began = ContinuousClock.now
        let first = try Gateway.viewer(number, by: .connectInTLS)
        _ = try first.frame { $0.distinctColours > 1 }
        try Gateway.eventually("the view is there") {
            try Gateway.sql("SELECT COUNT(*) FROM view WHERE sessnum = \(number)") == ["1"]
        }
        usleep(3_000_000)
        let second = try Gateway.viewer(number)
        _ = try second.frame { $0.distinctColours > 1 }
        usleep(1_000_000)
        second.close()
        try Gateway.eventually("what ended is logged, and what goes on is not") {
            try Gateway.sql("SELECT COUNT(*) FROM viewlog WHERE sessnum = \(number)") == ["1"]
                && Gateway.sql("SELECT COUNT(*) FROM view WHERE sessnum = \(number)") == ["1"]
        }
        usleep(1_000_000)
        _ = try Gateway.sql(
            "INSERT INTO job (sessnum, username, event, venue, start, heartbeat, active) VALUES (\(number), 'alice', 'simulation', 'here', NOW(), NOW(), 1)"
        )
        #expect(try Gateway.maxwell("stop", number).status == 0)
        #expect(
            try Gateway.sql("SELECT event FROM joblog WHERE sessnum = \(number) ORDER BY job")
                == ["application", "simulation"])
        #expect(try Gateway.sql("SELECT COUNT(*) FROM job WHERE sessnum = \(number)") == ["0"])
        // Complete in the moment of the answer.
        let log = try Gateway.sql(
            "SELECT walltime, viewtime, cputime > 0, viewtime <= walltime FROM sessionlog WHERE sessnum = \(number)"
        ).joined().split(separator: "\t")
        let most = (ContinuousClock.now - began) / .seconds(1)
        let watched = Double(log[1]) ?? 0
        #expect(watched > 4.9 && watched <= most, "\(log), at most \(most)")
        #expect(log[2] == "1" && log[3] == "1", "\(log)")
        #expect(try Gateway.sql("SELECT COUNT(*) FROM view WHERE sessnum = \(number)") == ["0"])
        #expect(try Gateway.sql("SELECT COUNT(*) FROM viewlog WHERE sessnum = \(number)") == ["2"])
        let sum = try figure("SELECT SUM(duration) FROM viewlog WHERE sessnum = \(number)")
        #expect(sum > watched - 0.1)
        #expect(
            try Gateway.sql(
                "SELECT username, views, to_viewer > 0, ROUND(seconds, 1) >= ROUND(\(watched), 1) FROM mw_viewing WHERE sessnum = \(number)"
            )
                == ["alice\t2\t1\t1"])
        let why = try Gateway.maxwell("why", number)
        #expect(why.output.contains("was watched for") && why.output.contains("stopped"), "\(why.output)")
    }

    @Test("'stop' answers before a stubborn application is gone; number and folder wait for its end")
    func ladder() throws {
        let before = try Traces()
        let home = try Gateway.setting("MAXWELL_ALICE_HOME")
        try Gateway.withApplication(
            "stubborn", "", command: "trap '' HUP TERM; xterm & while :; do sleep 0.2; done"
        ) {
            let number = try Gateway.start(app: "stubborn")
            let place = try Gateway.sql("SELECT exechost, dispnum FROM session WHERE sessnum = \(number)")
            #expect(try Gateway.maxwell("stop", number).status == 0)
            #expect(try !lives(number))
            #expect(try Gateway.sql("SELECT COUNT(*) FROM sessionlog WHERE sessnum = \(number)") == ["1"])
            #expect(
                try Gateway.sql("SELECT state, moved FROM mw_session WHERE sessnum = \(number)") == ["ending\t1"])
            #expect(
                try Gateway.sql("SELECT hostname, dispnum FROM mw_display WHERE sessnum = \(number)") == place)
            #expect(FileManager.default.fileExists(atPath: "\(home)/data/sessions/\(number)"))
            #expect(try sessionLine(number)?.state == "ending")
            try Gateway.eventually("the ladder has ended", within: .seconds(40)) {
                try Gateway.sql("SELECT state FROM mw_session WHERE sessnum = \(number)") == ["ended"]
            }
            #expect(FileManager.default.fileExists(atPath: "\(home)/data/sessions/\(number)-expired"))
            #expect(try Gateway.sql("SELECT COUNT(*) FROM mw_display WHERE sessnum = \(number)") == ["0"])
            #expect(
                try Gateway.sql("SELECT final_wall >= walltime FROM mw_session WHERE sessnum = \(number)") == ["1"])
        }
        try before.expectNoMore()
    }

    /// How many colours a viewer sees in the middle of the picture, where a message comes up.
    private func awaitMessage(_ viewer: Viewer, _ plain: Picture) throws {
        _ = try viewer.frame(within: .seconds(30)) { $0.differences(from: plain) > 2_000 }
    }

    @Test("whoever watches is told before an administrator's stop, and the session ends at its time")
    func notice() throws {
        let number = try Gateway.start()
        defer { _ = try? Gateway.maxwell("stop", number) }
        let viewer = try Gateway.viewer(number)
        let plain = try viewer.frame { $0.distinctColours > 1 }
        let answer = try Gateway.maxwell("stop", number, "--in", "20s")
        #expect(answer.status == 0 && answer.output.contains("ends in 20s"), "\(answer.output)")
        #expect(try lives(number))
        try awaitMessage(viewer, plain)
        try viewer.frame().writePNG(to: Gateway.screenshot("notice.png"))
        #expect(try sessionLine(number)?.fate == "an administrator stops it")
        try viewer.waitForEnd(within: .seconds(40))
        try Gateway.eventually("the session is gone") { try !lives(number) }
        #expect(try reason(of: number) == "stopped by an administrator, after notice")
    }

    @Test("more time keeps a session: its owner's against being unobserved, an administrator's against any end")
    func extend() throws {
        try Gateway.withSession { number in
            _ = try Gateway.maxwell("stop", number, "--in", "1m")
            let answer = try Gateway.maxwell("extend", number, "2h")
            #expect(answer.status == 0 && answer.output.contains("2h"), "\(answer.output)")
            let fate = try sessionLine(number)
            #expect((fate?.ends_in ?? 0) > 7100, "\(String(describing: fate))")
        }
        let unknown = try Gateway.maxwell("extend", "999999", "2h")
        #expect(unknown.status != 0 && unknown.output.contains("999999"), "\(unknown.output)")
    }

    @Test("a session that has run for as long as it may is ended, though somebody watches")
    func maximumAge() throws {
        try Gateway.withApplication("shortlived", "maximum_age: 15s") {
            let number = try Gateway.start(app: "shortlived")
            defer { _ = try? Gateway.maxwell("stop", number) }
            let viewer = try Gateway.viewer(number)
            let plain = try viewer.frame { $0.distinctColours > 1 }
            try awaitMessage(viewer, plain)
            try viewer.waitForEnd(within: .seconds(60))
            try Gateway.eventually("the session is gone") { try !lives(number) }
            #expect(try reason(of: number).contains("the longest it may"))
        }
    }

    @Test("a host that drains ends its sessions after notice, and gets new ones when it is up again")
    func drainWithEnd() throws {
        try Gateway.awaitReady()
        let number = try Gateway.start()
        defer { _ = try? Gateway.maxwell("stop", number) }
        let host = try Gateway.sql("SELECT exechost FROM session WHERE sessnum = \(number)").joined()
        defer { _ = try? Gateway.maxwell("host", "up", host) }
        let viewer = try Gateway.viewer(number)
        let plain = try viewer.frame { $0.distinctColours > 1 }
        let answer = try Gateway.maxwell("host", "drain", host, "--end", "20s")
        #expect(answer.status == 0 && answer.output.contains("20s"), "\(answer.output)")
        try awaitMessage(viewer, plain)
        // Set up again in time, nothing ends.
        _ = try Gateway.maxwell("host", "up", host)
        #expect(try sessionLine(number)?.fate.contains("drain") == false)
        _ = try Gateway.maxwell("host", "drain", host, "--end", "5s")
        try viewer.waitForEnd(within: .seconds(40))
        try Gateway.eventually("the session is gone") { try !lives(number) }
        #expect(try reason(of: number) == "its host was drained")
    }

    @Test("a portal that writes a row back as it was, or loses one, changes nothing for long")
    func portalRows() throws {
        try Gateway.withSession { number in
            let row = try Gateway.sql("SELECT exechost, dispnum FROM session WHERE sessnum = \(number)")
            _ = try Gateway.sql(
                "UPDATE session SET exechost = 'elsewhere', dispnum = 9, accesstime = '2020-01-01' WHERE sessnum = \(number); DELETE FROM viewperm WHERE sessnum = \(number)"
            )
            _ = try Gateway.sql("INSERT INTO session (username, remoteip) VALUES ('winuser', '10.0.0.1')")
            defer { _ = try? Gateway.sql("DELETE FROM session WHERE username = 'winuser'") }
            try Gateway.eventually("the rows are right again", within: .seconds(90)) {
                try Gateway.sql("SELECT exechost, dispnum FROM session WHERE sessnum = \(number)") == row
                    && Gateway.sql("SELECT readonly FROM viewperm WHERE sessnum = \(number)") == ["No"]
            }
            #expect(try Gateway.viewer(number).frame { $0.distinctColours > 1 }.distinctColours > 1)
            #expect(try Gateway.sql("SELECT COUNT(*) FROM session WHERE username = 'winuser'") == ["1"])
        }
    }

    @Test("a session whose row somebody removed from the portal's table is ended")
    func rowRemoved() throws {
        let number = try Gateway.start()
        _ = try Gateway.sql("DELETE FROM session WHERE sessnum = \(number)")
        try Gateway.eventually("it has ended", within: .seconds(40)) {
            try Gateway.sql("SELECT state FROM mw_session WHERE sessnum = \(number)") == ["ended"]
        }
        #expect(try reason(of: number) == "its row was removed from the session table")
        #expect(try Gateway.sql("SELECT username FROM sessionlog WHERE sessnum = \(number)") == ["alice"])
    }

    @Test("a display without a row is ended, a row without a display is removed, and neither troubles a session")
    func strays() throws {
        try Gateway.awaitReady()
        let before = try Traces()
        try Gateway.withSession { kept in
            let lost = try Gateway.start()
            let host = try Gateway.sql("SELECT exechost FROM session WHERE sessnum = \(lost)").joined()
            // The session's row forgets its display, which lives on; another row tells of one that never was.
            _ = try Gateway.sql(
                """
                DELETE FROM mw_display WHERE sessnum = \(lost);
                UPDATE mw_session SET started = started - INTERVAL 10 MINUTE WHERE sessnum = \(lost);
                INSERT INTO mw_display (hostname, dispnum, state, link_key, uid, password, geometry, depth, created, counted)
                  VALUES ('\(host)', 60000, 'used', MD5('x'), 2060000, 'x', '1024x768', 24,
                    UTC_TIMESTAMP(3) - INTERVAL 10 MINUTE, 0);
                """)
            try Gateway.eventually("the session has ended", within: .seconds(60)) {
                try Gateway.sql("SELECT state FROM mw_session WHERE sessnum = \(lost)") == ["ended"]
            }
            #expect(try reason(of: lost) == "its display is gone from the host")
            #expect(try Gateway.sql("SELECT COUNT(*) FROM sessionlog WHERE sessnum = \(lost)") == ["1"])
            try Gateway.eventually("the row that tells of nothing is gone", within: .seconds(60)) {
                try Gateway.sql("SELECT 1 FROM mw_display WHERE dispnum = 60000").isEmpty
            }
            #expect(try Gateway.viewer(kept).frame { $0.distinctColours > 1 }.distinctColours > 1)
        }
        // The display that no row knew, and a host's count of a row that somebody deleted: that is looked at every minute.
        try before.expectNoMore(within: .seconds(90))
    }
}
