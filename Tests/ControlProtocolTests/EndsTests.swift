import SessionModel
import Testing

@testable import ControlProtocol

@Suite("ending sessions, and giving them time")
struct EndsTests {
    private static let session = SessionNumber(12)

    @Test("without an option, stop is the portal's: at once, and answered with an object")
    func stop() throws {
        let request = ControlRequest.stop(session: Self.session, delay: nil)
        #expect(try Command(["stop", "12"]) == .ask(request, asJSON: false))
        #expect(try PortalWords.request(["stop", "12"]) == request)
        let told = PrintedAnswer(.done("Session 12 is being ended."), to: request)
        #expect(told.output == #"{"session":12,"status":"stopped"}"# + "\n")
    }

    @Test(
        "with one it waits, and is answered with a sentence",
        arguments: [
            (["12", "--notice"], StopDelay.standard), (["--notice", "12"], .standard),
            (["12", "--in", "10m"], .seconds(600)), (["--in=1d", "12"], .seconds(86400)),
            (["12", "--in", "30"], .seconds(30)), (["12", "--in", "30d"], .seconds(30 * 86400)),
        ])
    func stopLater(arguments: [String], delay: StopDelay) throws {
        let request = ControlRequest.stop(session: Self.session, delay: delay)
        #expect(try Command(["stop"] + arguments) == .ask(request, asJSON: false))
        let told = PrintedAnswer(.done("Session 12 ends in 10m;\nits viewers are told."), to: request)
        #expect(told.output == "Session 12 ends in 10m; its viewers are told.\n")
        #expect(told.status == 0 && told.complaint.isEmpty)
    }

    @Test(
        "what says neither when nor which is refused",
        arguments: [
            (
                ["stop", "12", "--notice", "--in", "10m"],
                "'--notice' and '--in' both say when; please give one of them."
            ),
            (["stop", "12", "--notice", "--notice"], "'--notice' is given twice; please give it once."),
            (["stop", "12", "--in"], "'--in' needs a value; see 'maxwell stop --help'."),
            (["stop", "12", "--in", "soon"], "A time is written 90s, 10m, 2h or 1d, and is 30 days at most."),
            (["stop", "12", "--in", "0s"], "A time is written 90s, 10m, 2h or 1d, and is 30 days at most."),
            (["stop", "12", "--later"], "'maxwell stop' got an option it does not know; see 'maxwell stop --help'."),
            (["stop", "12", "--json"], "'maxwell stop' got an option it does not know; see 'maxwell stop --help'."),
            (["stop", "--notice"], "'maxwell stop' needs another argument; see 'maxwell stop --help'."),
            (
                ["stop", "12", "13", "--notice"],
                "'maxwell stop' got more arguments than it takes; see 'maxwell stop --help'."
            ),
            (
                ["stop", "12", "user=bob", "--notice"],
                "'maxwell stop' does not take 'user='; see 'maxwell stop --help'."
            ),
            (["stop", "all", "--notice"], "A session is a number, such as 12; 'maxwell sessions' lists them."),
            (["extend"], "'maxwell extend' needs another argument; see 'maxwell extend --help'."),
            (["extend", "0"], "A session is a number, such as 12; 'maxwell sessions' lists them."),
            (["extend", "12", "31d"], "A time is written 90s, 10m, 2h or 1d, and is 30 days at most."),
            (
                ["extend", "12", "1d", "1h"],
                "'maxwell extend' got more arguments than it takes; see 'maxwell extend --help'."
            ),
            (
                ["extend", "12", "--json"],
                "'maxwell extend' got an option it does not know; see 'maxwell extend --help'."
            ),
            (["reap", "12"], "'maxwell reap' got more arguments than it takes; see 'maxwell reap --help'."),
            (["reap", "--dry"], "'maxwell reap' got an option it does not know; see 'maxwell reap --help'."),
            (["reap", "--dry-run=yes"], "'maxwell reap' got an option it does not know; see 'maxwell reap --help'."),
            (["raep"], "There is no 'maxwell raep'; did you mean 'maxwell reap'?"),
            (["extent", "12"], "There is no 'maxwell extent'; did you mean 'maxwell extend'?"),
            (
                ["host", "up", "east", "--end", "1h"],
                "'--end' goes with 'maxwell host drain' only: 'up' and 'down' end no session."
            ),
            (
                ["host", "down", "east", "--end=1h"],
                "'--end' goes with 'maxwell host drain' only: 'up' and 'down' end no session."
            ),
            (["host", "drain", "east", "--end"], "'--end' needs a value; see 'maxwell host --help'."),
            (
                ["host", "drain", "east", "--end", "-1m"],
                "A time is written 90s, 10m, 2h or 1d, and is 30 days at most."
            ),
            (["host", "drain", "--end", "30m"], "'maxwell host' needs another argument; see 'maxwell host --help'."),
        ])
    func refused(arguments: [String], sentence: String) {
        #expect(throws: Refusal(sentence, .usage)) { try Command(arguments) }
    }

    @Test("extend takes a time, or leaves it to the session's own")
    func extend() throws {
        let request = ControlRequest.extend(session: Self.session, seconds: 7200)
        #expect(try Command(["extend", "12", "2h"]) == .ask(request, asJSON: false))
        #expect(try Command(["extend", "12"]) == .ask(.extend(session: Self.session, seconds: nil), asJSON: false))
        #expect(PrintedAnswer(.done("Session 12 stays for 2h."), to: request).output == "Session 12 stays for 2h.\n")
    }

    @Test("a drain may have an end, and tells it in a sentence")
    func drain() throws {
        let host = try HostName("east")
        let request = ControlRequest.setHostStatus(host: host, status: .drain, endAfter: 1800)
        #expect(try Command(["host", "drain", "east", "--end", "30m"]) == .ask(request, asJSON: false))
        #expect(try Command(["host", "drain", "--end=30m", "east"]) == .ask(request, asJSON: false))
        #expect(
            try Command(["host", "drain", "east"])
                == .ask(.setHostStatus(host: host, status: .drain, endAfter: nil), asJSON: false))
        #expect(PrintedAnswer(.done("east is drained."), to: request).output == "east is drained.\n")
    }

    @Test("reap takes --dry-run and --json")
    func reap() throws {
        #expect(try Command(["reap"]) == .ask(.reap(dryRun: false), asJSON: false))
        #expect(try Command(["reap", "--dry-run"]) == .ask(.reap(dryRun: true), asJSON: false))
        #expect(try Command(["reap", "--json", "--dry-run"]) == .ask(.reap(dryRun: true), asJSON: true))
    }

    private static let rows = [
        ReapLine(
            session: SessionNumber(7), user: "alice", application: "xterm", isDue: true, endsIn: 0,
            fate: "unobserved for 1d of 1d"),
        ReapLine(
            session: SessionNumber(12), user: "bob", application: "gnuplot", isDue: false, endsIn: 85800,
            fate: "unobserved for 10m\nof 1d"),
        ReapLine(
            session: SessionNumber(113), user: "carol", application: "xclock", isDue: false, endsIn: nil,
            fate: "is watched"),
        ReapLine(
            session: SessionNumber(114), user: "carol", application: "xclock", isDue: false, endsIn: nil, fate: ""),
    ]

    @Test("who goes, who will and who stays is a table", arguments: [false, true])
    func reapTable(dryRun: Bool) {
        #expect(
            PrintedAnswer(.reaps(Self.rows), to: .reap(dryRun: dryRun)).output == """
                SESSION  USER   APPLICATION  REAP       WHY
                      7  alice  xterm        now        unobserved for 1d of 1d
                     12  bob    gnuplot      in 23h50m  unobserved for 10m of 1d
                    113  carol  xclock       -          is watched
                    114  carol  xclock       -          -

                """)
    }

    @Test("--json has the seconds, null where nothing ends it")
    func reapJSON() {
        #expect(
            PrintedAnswer(.reaps(Self.rows), to: .reap(dryRun: true), asJSON: true).output == """
                [{"session":7,"user":"alice","application":"xterm","due":true,"ends_in":0,\
                "why":"unobserved for 1d of 1d"},\
                {"session":12,"user":"bob","application":"gnuplot","due":false,"ends_in":85800,\
                "why":"unobserved for 10m\\nof 1d"},\
                {"session":113,"user":"carol","application":"xclock","due":false,"ends_in":null,"why":"is watched"},\
                {"session":114,"user":"carol","application":"xclock","due":false,"ends_in":null,"why":""}]

                """)
    }

    @Test("without sessions there is a sentence, or an empty array")
    func noSession() {
        #expect(PrintedAnswer(.reaps([]), to: .reap(dryRun: false)).output == "No session runs.\n")
        #expect(PrintedAnswer(.reaps([]), to: .reap(dryRun: true)).output == "No session runs.\n")
        #expect(PrintedAnswer(.reaps([]), to: .reap(dryRun: false), asJSON: true).output == "[]\n")
    }
}
