import Foundation
import Testing
import ViewClient

/// After an outage nobody is reaped at once: whoever could not watch in it has the whole time again.
extension EndToEnd {
    private func unobserved(_ number: String) throws -> Double {
        Double(try Gateway.sql("SELECT unobserved FROM mw_session WHERE sessnum = \(number)").joined()) ?? -1
    }

    /// A session that would be reaped in a moment, through an outage that `body` makes.
    private func throughOutage(_ body: (String) throws -> Void) throws {
        try Gateway.withSession { number in
            // Its first access has been seen, and its clock runs.
            try Gateway.eventually("its clock runs", within: .seconds(60)) { try unobserved(number) > 0 }
            _ = try Gateway.sql("UPDATE mw_session SET unobserved = 86000 WHERE sessnum = \(number)")
            try body(number)
            try Gateway.eventually("its time begins again", within: .seconds(60)) { try unobserved(number) < 600 }
            #expect(try Gateway.sql("SELECT state FROM mw_session WHERE sessnum = \(number)") == ["running"])
            #expect(try Gateway.viewer(number).frame { $0.distinctColours > 1 }.distinctColours > 1)
        }
    }

    @Test("a controller that was killed gives every session its whole time; one that was restarted in order does not")
    func controllerOutage() throws {
        try throughOutage { _ in
            kill(try Gateway.process("maxwelld"), SIGKILL)
            try Gateway.quickstart("--restart", "maxwelld")
            try Gateway.awaitHosts()
        }
        try Gateway.withSession { number in
            try Gateway.eventually("its clock runs", within: .seconds(60)) { try unobserved(number) > 0 }
            _ = try Gateway.sql("UPDATE mw_session SET unobserved = 50000 WHERE sessnum = \(number)")
            try Gateway.quickstart("--restart", "maxwelld")
            try Gateway.awaitHosts()
            try Gateway.eventually("its clock goes on", within: .seconds(90)) { try unobserved(number) > 50_000 }
        }
    }

    @Test("without a relay no time counts, and it begins again")
    func relayOutage() throws {
        try throughOutage { number in
            kill(try Gateway.process("maxwell-relay"), SIGKILL)
            defer { _ = try? Gateway.quickstart("--restart", "maxwell-relay") }
            try Gateway.eventually("nobody hears a relay", within: .seconds(60)) {
                try Gateway.maxwell("reap", "--dry-run").output.contains("no relay is heard")
            }
        }
    }

    @Test("a cable that is cut for a minute ends nothing, and what was there is there again")
    func cable() throws {
        try throughOutage { number in
            let host = try Gateway.sql("SELECT exechost FROM session WHERE sessnum = \(number)").joined()
            try Gateway.quickstart("--host", host, "cut")
            defer { _ = try? Gateway.quickstart("--host", host, "mend") }
            try Gateway.eventually("the host is away", within: .seconds(60)) { try unobserved(number) == 0 }
            sleep(30)
            let dry = try Gateway.maxwell("reap", "--dry-run")
            #expect(dry.output.contains("its host is away"), "\(dry.output)")
        }
        try Gateway.awaitHosts()
    }

    @Test("a host that stays away loses its sessions after its time, with what was watched in the account")
    func hostLost() throws {
        try Gateway.awaitReady()
        let before = try Traces()
        try Gateway.withSettings({ $0.replacing("hosts:\n", with: "hosts:\n  lost_after: 40s\n") }) {
            let number = try Gateway.start()
            let host = try Gateway.sql("SELECT exechost FROM session WHERE sessnum = \(number)").joined()
            try Gateway.quickstart("--host", host, "cut")
            do {
                defer { _ = try? Gateway.quickstart("--host", host, "mend") }
                try Gateway.eventually("it is given up", within: .seconds(100)) {
                    try Gateway.sql("SELECT state FROM mw_session WHERE sessnum = \(number)") == ["ended"]
                }
                let reason = try Gateway.sql("SELECT reason FROM mw_session WHERE sessnum = \(number)").joined()
                #expect(reason.hasPrefix("its host was not heard of for"), "\(reason)")
                #expect(try Gateway.sql("SELECT COUNT(*) FROM session WHERE sessnum = \(number)") == ["0"])
                #expect(try Gateway.sql("SELECT walltime > 30 FROM sessionlog WHERE sessnum = \(number)") == ["1"])
                // Its display may live: the number is nobody else's.
                #expect(try Gateway.sql("SELECT COUNT(*) FROM mw_display WHERE sessnum = \(number)") == ["1"])
            }
            try Gateway.awaitHosts()
            try Gateway.eventually("its display is ended when the host is back", within: .seconds(60)) {
                try Gateway.sql("SELECT COUNT(*) FROM mw_display WHERE sessnum = \(number)") == ["0"]
            }
        }
        try Gateway.awaitReady()
        try before.expectNoMore()
    }

    @Test("a jump of the database's clock ends no session and no view, and invents no viewing time")
    func clockJumps() throws {
        try Gateway.withSession { number in
            let viewer = try Gateway.viewer(number, by: .connectInTLS)
            _ = try viewer.frame { $0.distinctColours > 1 }
            // What the tables' times say is an hour off, both ways, as after a jump of the clock that wrote them.
            for jump in ["- INTERVAL 1 HOUR", "+ INTERVAL 2 HOUR"] {
                _ = try Gateway.sql(
                    """
                    UPDATE mw_view SET opened = opened \(jump), heartbeat = heartbeat \(jump), reserved = reserved \(jump);
                    UPDATE view SET start = start \(jump), heartbeat = heartbeat \(jump);
                    UPDATE session SET accesstime = accesstime \(jump) WHERE sessnum = \(number);
                    """)
                sleep(12)
                #expect(try Gateway.sql("SELECT COUNT(*) FROM view WHERE sessnum = \(number)") == ["1"])
                #expect(try Gateway.sql("SELECT state FROM mw_session WHERE sessnum = \(number)") == ["running"])
            }
            #expect(try Gateway.maxwell("stop", number).status == 0)
            let viewTime = Double(
                try Gateway.sql("SELECT viewtime FROM sessionlog WHERE sessnum = \(number)").joined())
            #expect((viewTime ?? 0) > 23 && (viewTime ?? 0) < 120, "\(String(describing: viewTime))")
        }
    }
}
