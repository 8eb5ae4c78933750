import FoundationEssentials
import SessionModel
import Testing

@testable import ControlProtocol

@Suite("maxwell why")
struct WhyTests {
    private static let failed = WhyAnswer(
        session: SessionNumber(12), user: "alice", application: "xterm", host: "node2", display: 3, state: "failed",
        reason: "no host could start it", errorID: "a1b2c3d4", exitStatus: 127, started: "2026-01-31 12:00:00.000",
        running: nil, ended: "2026-01-31 12:00:01.250",
        steps: [
            StartStep(at: 0.0121, host: "node1", display: 17, what: "ready display"),
            StartStep(at: 0.02, host: "node1", display: 17, what: "hand-over", outcome: "no pixel answered"),
            StartStep(at: 11.5, host: "node2", what: "new display", outcome: "its disk is full"),
        ], logTail: "xterm: not found\r\n\n\u{1B}[31mred\u{7}\n")

    private func told(_ answer: WhyAnswer, asJSON: Bool = false) -> PrintedAnswer {
        PrintedAnswer(.why(answer), to: .why(session: answer.session), asJSON: asJSON)
    }

    @Test("a failed start tells its steps, the reason and the end of the log, without what a terminal would obey")
    func text() {
        #expect(
            told(Self.failed).output == """
                Session 12 failed: xterm for alice on node2, display 3; started 2026-01-31 12:00:00.000, \
                ended 2026-01-31 12:00:01.250 (UTC).
                   0.012 s  node1  display 17  ready display  ok
                   0.020 s  node1  display 17  hand-over      no pixel answered
                  11.500 s  node2  -           new display    its disk is full
                Why: no host could start it (error a1b2c3d4)
                Its application ended with status 127.
                The end of its application's log:
                  | xterm: not found
                  |  [31mred 

                """)
        #expect(told(Self.failed).status == 0)
    }

    @Test("a session that lives tells where, who watches, and nothing that is not known")
    func running() {
        let answer = WhyAnswer(
            session: SessionNumber(7), user: "bob", application: "gnuplot", host: "node1", display: 2,
            state: "running", reason: "", started: "2026-01-31 12:00:00.000", running: "2026-01-31 12:00:00.040",
            steps: [],
            watchers: [
                Watcher(user: "bob", since: "2026-01-31 12:00:00.500", address: "10.2.3.4", readOnly: false),
                Watcher(user: "alice", since: "2026-01-31 12:00:01.500", address: "2001:db8::1", readOnly: true),
            ])
        #expect(
            told(answer).output == """
                Session 7 is running: gnuplot for bob on node1, display 2; started 2026-01-31 12:00:00.000, \
                running 2026-01-31 12:00:00.040 (UTC).
                Who watches now:
                  USER   SINCE (UTC)              FROM         MAY
                  bob    2026-01-31 12:00:00.500  10.2.3.4     act
                  alice  2026-01-31 12:00:01.500  2001:db8::1  watch

                """)
    }

    @Test("a start that had no host says so by naming none")
    func noHost() {
        let answer = WhyAnswer(
            session: SessionNumber(8), user: "bob", application: "gnuplot", host: "", display: 0, state: "failed",
            reason: "every host is full", started: "2026-01-31 12:00:00.000", steps: [])
        #expect(
            told(answer).output == """
                Session 8 failed: gnuplot for bob; started 2026-01-31 12:00:00.000 (UTC).
                Why: every host is full

                """)
    }

    @Test("--json tells everything, what is not known as null")
    func json() {
        #expect(
            told(Self.failed, asJSON: true).output == """
                {"session":12,"user":"alice","application":"xterm","host":"node2","display":3,"state":"failed",\
                "reason":"no host could start it","error":"a1b2c3d4","exit_status":127,\
                "started":"2026-01-31 12:00:00.000","running":null,"ended":"2026-01-31 12:00:01.250",\
                "wall":null,"watched":null,"cpu":null,"viewers":[],"watchers":[],"steps":[\
                {"at":0.012,"host":"node1","display":17,"what":"ready display","outcome":"ok"},\
                {"at":0.02,"host":"node1","display":17,"what":"hand-over","outcome":"no pixel answered"},\
                {"at":11.5,"host":"node2","display":null,"what":"new display","outcome":"its disk is full"}],\
                "log_tail":"xterm: not found\\r\\n\\n\\u001b[31mred\\u0007\\n"}

                """)
    }

    private static let ended = WhyAnswer(
        session: SessionNumber(9), user: "bob", application: "gnuplot", host: "node1", display: 2, state: "ended",
        reason: "unobserved for 1d of 1d", exitStatus: 0, started: "2026-01-31 12:00:00.000",
        running: "2026-01-31 12:00:00.040", ended: "2026-02-01 13:20:00.000", steps: [], logTail: "bye\n",
        wallSeconds: 91200.0004, viewSeconds: 754.1, cpuSeconds: 4.2,
        viewers: [
            WhyViewer(user: "alice", views: 1, seconds: 9.96, bytesToViewer: 1536, bytesFromViewer: 17),
            WhyViewer(user: "bob", views: 12, seconds: 750, bytesToViewer: 5_368_709_120, bytesFromViewer: 20480),
        ])

    @Test("a session that ended tells what it took, and who watched")
    func account() {
        #expect(
            told(Self.ended).output == """
                Session 9 has ended: gnuplot for bob on node1, display 2; started 2026-01-31 12:00:00.000, \
                running 2026-01-31 12:00:00.040, ended 2026-02-01 13:20:00.000 (UTC).
                Why: unobserved for 1d of 1d
                Its application ended with status 0.
                It lasted 1d1h, was watched for 12m34s and used 4.2s of CPU time.
                Its viewers:
                  USER   VIEWS    TIME  TO VIEWER  FROM VIEWER
                  alice      1   10.0s    1.5 KiB         17 B
                  bob       12  12m30s    5.0 GiB     20.0 KiB
                The end of its application's log:
                  | bye

                """)
    }

    @Test("what is not known of an account is left out")
    func halfAccount() {
        var answer = Self.ended
        (answer.cpuSeconds, answer.viewSeconds, answer.viewers) = (nil, 0, [])
        #expect(told(answer).output.contains("\nIt lasted 1d1h and was watched for 0s.\nThe end"))
        (answer.wallSeconds, answer.viewSeconds) = (nil, nil)
        #expect(told(answer).output.contains("with status 0.\nThe end"))
        answer.cpuSeconds = 61
        #expect(told(answer).output.contains("\nIt used 1m1s of CPU time.\nThe end"))
    }

    @Test("--json tells an account in seconds and bytes")
    func accountJSON() {
        #expect(
            told(Self.ended, asJSON: true).output.contains(
                """
                "wall":91200.0,"watched":754.1,"cpu":4.2,"viewers":[\
                {"user":"alice","views":1,"seconds":9.96,"bytes_to_viewer":1536,"bytes_from_viewer":17},\
                {"user":"bob","views":12,"seconds":750.0,"bytes_to_viewer":5368709120,"bytes_from_viewer":20480}],\
                "watchers":[],"steps":[],
                """))
    }

    @Test("times that no step can have do no harm", arguments: [-1, 1e300] as [Double])
    func strangeTimes(at: Double) throws {
        let text = #"[{"at":\#(at),"host":"a","what":"b","outcome":"ok"}]"#
        var answer = Self.failed
        answer.steps = try JSONDecoder().decode([StartStep].self, from: Data(text.utf8))
        #expect(told(answer).output.contains("  - s  a  -  b  ok\n"))
        #expect(told(answer, asJSON: true).output.contains(#""steps":[{"at":"#))
    }

    @Test("it takes one session and --json")
    func words() throws {
        let session = SessionNumber(12)
        #expect(try Command(["why", "12"]) == .ask(.why(session: session), asJSON: false))
        #expect(try Command(["why", "--json", "12"]) == .ask(.why(session: session), asJSON: true))
        for arguments in [["why"], ["why", "x"], ["why", "12", "13"], ["why", "0"], ["why", "12", "--all"]] {
            #expect(throws: Refusal.self) { try Command(arguments) }
        }
    }

    @Test("request and answer cross the socket whole")
    func frames() throws {
        let request = ControlFrame<ControlRequest>(id: 1, body: .why(session: SessionNumber(12)))
        let reply = ControlFrame<ControlReply>(id: 1, body: .why(Self.failed))
        let (encoder, decoder) = (JSONEncoder(), JSONDecoder())
        #expect(
            try decoder.decode(ControlFrame<ControlRequest>.self, from: encoder.encode(request)) == request)
        #expect(try decoder.decode(ControlFrame<ControlReply>.self, from: encoder.encode(reply)) == reply)
    }
}
