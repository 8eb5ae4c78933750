import SessionModel
import Testing

@testable import ControlProtocol

@Suite("maxwell sessions")
struct SessionsTests {
    private static let rows = [
        SessionLine(
            session: SessionNumber(12), user: "alice", application: "xterm", host: "east", display: 3, state: "running",
            age: 4800, viewers: 0, watched: 754.1239, endsIn: 85800, fate: "unobserved for 10m of 1d"),
        SessionLine(
            session: SessionNumber(13), user: "bob", application: "gnuplot", host: "east", display: 17,
            state: "running", age: 45, viewers: 2, watched: 4.25, endsIn: nil, fate: "is watched",
            watchers: [
                Watcher(user: "bob", since: "2026-01-31 12:00:00.000", address: "10.2.3.4", readOnly: false),
                Watcher(user: "alice", since: "2026-01-31 12:00:01.500", address: "2001:db8::1", readOnly: true),
            ]),
        SessionLine(
            session: SessionNumber(14), user: "bob", application: "xclock", host: "east", display: 4, state: "running",
            age: 60, viewers: 0, watched: 0, endsIn: 0, fate: ""),
        SessionLine(
            session: SessionNumber(15), user: "bob", application: "xclock", host: "", display: 0, state: "failed",
            age: 90, viewers: 0),
    ]

    @Test("each tells who watches, how long it was watched, and when and why it is reaped")
    func table() {
        #expect(
            PrintedAnswer(.sessions(Self.rows), to: .sessions(user: nil)).output == """
                SESSION  USER   APPLICATION  HOST  DISPLAY  STATE      AGE  VIEWERS  WATCHED  REAPED
                     12  alice  xterm        east        3  running  1h20m        0   12m34s  in 23h50m: unobserved for 10m of 1d
                     13  bob    gnuplot      east       17  running    45s        2     4.3s  is watched
                     14  bob    xclock       east        4  running     1m        0       0s  now
                     15  bob    xclock       -           -  failed   1m30s        0       0s  -

                """)
    }

    @Test("--json has the seconds, null where nothing ends it, and who watches")
    func json() {
        #expect(
            PrintedAnswer(.sessions(Array(Self.rows.prefix(2))), to: .sessions(user: nil), asJSON: true).output == """
                [{"session":12,"user":"alice","application":"xterm","host":"east","display":3,"state":"running",\
                "age":4800,"viewers":0,"watched":754.124,"ends_in":85800,"fate":"unobserved for 10m of 1d",\
                "watchers":[]},\
                {"session":13,"user":"bob","application":"gnuplot","host":"east","display":17,"state":"running",\
                "age":45,"viewers":2,"watched":4.25,"ends_in":null,"fate":"is watched","watchers":[\
                {"user":"bob","since":"2026-01-31 12:00:00.000","address":"10.2.3.4","read_only":false},\
                {"user":"alice","since":"2026-01-31 12:00:01.500","address":"2001:db8::1","read_only":true}]}]

                """)
    }

    @Test(
        "a time below a minute has a tenth, and one that is none does no harm",
        arguments: [
            (0, "0s"), (0.04, "0s"), (0.05, "0.1s"), (59.94, "59.9s"), (59.95, "1m"), (60, "1m"), (90.6, "1m31s"),
            (86400, "1d"), (-1, "-"), (.nan, "-"), (.infinity, "-"), (1e300, "-"),
        ] as [(Double, String)])
    func times(seconds: Double, text: String) {
        #expect(PrintedAnswer.time(seconds) == text)
    }

    @Test(
        "bytes are told in the unit that fits",
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (1_048_575, "1.0 MiB"),
            (1_048_576, "1.0 MiB"), (5_368_709_120, "5.0 GiB"), (UInt64.max, "16.0 EiB"),
        ] as [(UInt64, String)])
    func sizes(bytes: UInt64, text: String) {
        #expect(PrintedAnswer.size(bytes) == text)
    }
}
