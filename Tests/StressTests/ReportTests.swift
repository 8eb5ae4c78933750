import SessionModel
@testable import Stress
import Testing

@Suite("What is told of a run")
struct ReportTests {
    /// A run of `sessions`, and what was required of it.
    private func result(
        _ sessions: String = "8", _ requirements: [String] = [], _ change: (inout StressWords) -> Void = { _ in },
        _ prepare: (ScriptedField) -> Void = { _ in }
    ) throws -> StressResult {
        var words = StressWords()
        words.sessions = sessions
        words.hold = "10s"
        change(&words)
        let field = ScriptedField()
        prepare(field)
        return try StressCourse(
            try StressOptions(words),
            requirements: try requirements.map { text throws(Refusal) in try Requirement(text) },
            words: ["--sessions", sessions, "--hold", "10s"], began: "2026-11-21 21:40 UTC"
        ).carryOut(on: field, live: .lines, isStopped: { false }, say: { _ in }).result
    }

    @Test("the text: what was required, how long it took, what there was, and one line at its end")
    func text() throws {
        let result = try result("8", ["failures=0", "start.p99<=10ms"]) {
            $0.isSynthetic = true
            $0.behaviours = "watcher:3,typist:4,hostile"
        } _: {
            $0.account = LedgerFigures(views: 7, rows: 7, mismatches: 0, examples: [])
        }
        #expect(result.text == goldenText)
        #expect(result.text.split(separator: "\n").last.map(String.init) == result.summary)
    }

    @Test("failures, faults, an account that is wrong and what was left are told, each with its own words")
    func badNews() throws {
        let text = try result("4", ["failures=0"], { $0.faults = "kill:relay" }) {
            $0.account = LedgerFigures(
                views: 4, rows: 3, mismatches: 1, examples: ["Session 2 had 1 views and has 0 rows."])
            $0.leftBehind = ["exec1: mount /x"]
            $0.more = [
                .fault("kill:relay", at: 3, healed: nil),
                .trouble(at: 4, Observation.Failure("start: no host", "Every host is full.")),
            ]
        }.text
        for line in [
            "failures=0         1  MISSED", "start: no host      1    4 s  Every host is full.",
            "kill:relay  3 s           NEVER",
            "ledger       4 views, 3 rows: 1 do not agree", "Session 2 had 1 views and has 0 rows.",
            "left behind  1 thing",
            "exec1: mount /x",
            "1 fault, 1 not healed, 1 failure, 1 ledger mismatch, 1 leftover; 1 of 1 requirement missed.",
        ] { #expect(text.contains(line), "\(line)\n\(text)") }
    }

    @Test("a result is kept as JSON and comes back as it was")
    func json() throws {
        let result = try result("20", ["failures=0"]) { $0.profile = "class" }
        let json = try result.json()
        #expect(try StressResult(json: json, name: "a") == result)
        #expect(try StressResult(json: json, name: "a").text == result.text)
        #expect(json.split(separator: "\n").count == 1)
    }

    @Test("the keys that scripts go by are there")
    func keys() throws {
        let json = try result().json()
        for key in [
            #""format":1"#, #""latencies":{"echo":{"count":"#, #""p99":"#, #""failures":[]"#, #""sessionsMost":4"#,
            #""statementsPerStart":"#, #""verdicts":[]"#, #""started":8"#, #""wasStoppedEarly":false"#,
        ] { #expect(json.contains(key), "\(key)") }
    }

    @Test("a file that is no result, another release's, or damaged is refused in one sentence")
    func foreign() throws {
        func refusal(_ json: String) -> String? {
            do throws(Refusal) {
                _ = try StressResult(json: json, name: "a.json")
                return nil
            } catch {
                return error.userMessage
            }
        }
        #expect(refusal("") == "a.json is no result of 'maxwell stress --json'.")
        #expect(refusal("[1,2]") == "a.json is no result of 'maxwell stress --json'.")
        #expect(refusal(#"{"format":2}"#)?.contains("another release") == true)
        #expect(refusal(#"{"format":1}"#) == "a.json is damaged.")
    }

    @Test(
        "a file with numbers that no run has is damaged, and nothing is reckoned with them",
        arguments: ["1e300", "1e18", "9223372036854775807", "5e-324", "-1e300"])
    func implausible(number: String) throws {
        let json = try result("40", []).json()
        for name in ["seconds", "started", "p99"] {
            let key = "\"\(name)\":"
            let place = try #require(json.firstRange(of: key))
            let rest = json[place.upperBound...].drop { !",}".contains($0) }
            let damaged = json[..<place.upperBound] + number + rest
            let error = #expect(throws: Refusal.self) { try StressResult(json: String(damaged), name: "a.json") }
            #expect(error?.userMessage == "a.json is damaged.", "\(name)")
        }
    }

    @Test("the page is whole by itself: nothing is fetched and nothing runs")
    func page() throws {
        let page = ReportPage(try result("40", ["failures=0"], { $0.profile = "storm" })).markup
        #expect(page.hasPrefix("<!DOCTYPE html>") && page.hasSuffix("</html>\n"))
        for part in [
            "<script", "http:", "https:", "src=", "href=", "@import", "url(", "javascript:", "NaN", "nan", "inf\"",
        ] {
            #expect(!page.contains(part), "\(part)")
        }
        for part in [
            "Content-Security-Policy", "prefers-color-scheme: dark", "Cut to picture again", "storm",
            "✓ the requirement is met",
        ] {
            #expect(page.contains(part), "\(part)")
        }
        #expect(page.components("<svg") == page.components("</svg>") && page.components("<svg") >= 12)
        for tag in ["table", "figure", "div", "tr", "td", "rect", "title", "main", "p", "h2", "ul"] {
            #expect(page.components("<\(tag)>") + page.components("<\(tag) ") == page.components("</\(tag)>"), "\(tag)")
        }
    }

    @Test("whatever came from outside is text on the page")
    func hostile() throws {
        let bad = "<img src=x onerror=alert(1)>\"'&"
        var result = try result("4", [], { _ in }) {
            $0.leftBehind = [bad]
            $0.account = LedgerFigures(views: 1, rows: 1, mismatches: 1, examples: [bad])
            $0.more = [
                .trouble(at: 4, Observation.Failure(bad, bad)), .fault(bad, at: 2, healed: 1),
                .sampled(
                    Sample(
                        at: 5, parts: [bad: Sample.Part(processes: 1, cpu: 1, memory: 1, descriptors: 1)],
                        hosts: [bad: Sample.Host(memoryAvailable: 1, load: 1, ready: 1, used: 1)], counters: [bad: 1])),
            ]
        }
        result.head.gateway = bad
        result.options.faults = bad
        result.head.words = [bad]
        result.head.began = bad
        let page = ReportPage(result).markup
        #expect(!page.contains("<img"))
        #expect(page.contains("&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;"))
        #expect(!page.contains("\"'&\""))
    }

    @Test("a run in which nothing happened has its reports too")
    func empty() throws {
        let result = Tally(StressPlan(sessions: [], isSynthetic: false)).result(
            StressResult.Head(release: "1", gateway: "g", began: "then", words: []), try StressOptions(StressWords()),
            wasStoppedEarly: true, ledger: nil, leftovers: nil, requirements: [])
        #expect(result.summary == "maxwell stress: 0 of 0 sessions started, 0 failures, ended early.")
        #expect(result.text.contains("not looked at"))
        #expect(ReportPage(result).markup.contains("</html>"))
    }

    @Test("two runs are compared figure by figure, and what makes that hard is told")
    func comparison() throws {
        let before = try result("8")
        var after = before
        after.latencies["start"]?.p99 = (before.latencies["start"]?.p99 ?? 0) * 1.5
        after.counts.failures = 3
        after.parts["relay"]?.memoryMost? *= 2
        after.latencies["reconnect"] = before.latencies["start"]
        let lines = Comparison(before, after).text.split(separator: "\n").map(String.init)
        #expect(lines.first?.contains("CHANGE") == true)
        #expect(lines.contains { $0.hasPrefix("  start p99") && $0.hasSuffix("+50 %") })
        #expect(lines.contains { $0.hasPrefix("  start p50") && $0.hasSuffix("=") })
        #expect(lines.contains { $0.split(separator: " ") == ["failures", "0", "3", "new"] })
        #expect(lines.contains { $0.hasPrefix("  relay memory, most") && $0.hasSuffix("+100 %") })
        #expect(lines.contains { $0.hasPrefix("  reconnect max") && $0.hasSuffix("-") })
        let other = try result("9") {
            $0.seed = "2"
            $0.isSynthetic = true
            $0.via = "cli"
        }
        #expect(
            Comparison(before, other).text.hasPrefix(
                "These runs differ in real and synthetic sessions, the number of sessions, how sessions were asked for, the seed.\n"
            ))
    }

    @Test("figures are written in the unit that suits them")
    func figures() {
        for (seconds, text) in [
            (0, "0 s"), (0.000_02, "20 µs"), (0.0009994, "999 µs"), (0.0009996, "1 ms"), (0.0412, "41.2 ms"),
            (0.182, "182 ms"), (0.9996, "1 s"),
            (1.237, "1.24 s"), (9.996, "10 s"), (42.04, "42 s"), (99.96, "1 min 40 s"), (302, "5 min 2 s"),
            (7500, "2 h 5 min"),
            (.nan, "-"), (.infinity, "-"),
        ] { #expect(spanText(seconds) == text) }
        #expect(countText(1_234_567) == "1,234,567" && countText(-999) == "-999" && countText(1000) == "1,000")
        #expect(decimalText(2.05, digits: 2) == "2.05" && decimalText(2) == "2" && decimalText(-0.04) == "0")
        #expect(
            memoryText(900) == "900 KiB" && memoryText(20_992) == "20.5 MiB" && memoryText(11_000_000) == "10.49 GiB")
        #expect(bytesText(1_970_000_000) == "1.97 GB" && percentText(0.055) == "5.5 %" && percentText(1.5) == "150 %")
    }

    @Test("axes have round ticks that reach over what is shown")
    func scales() {
        for most in [0.001, 0.0449, 0.3, 1, 7, 49.9, 50, 99, 100, 101, 1000, 98_765, 1e9] {
            let scale = Scale(upTo: most)
            #expect((3...8).contains(scale.ticks.count), "\(most): \(scale.ticks)")
            #expect(scale.place(most) <= 1 && scale.place(most) > 0.6, "\(most)")
            #expect(scale.place(0) == 0 && scale.place(scale.ticks.last ?? 0) == 1)
        }
        let powers = Scale(logarithmic: [0.004, 2])
        #expect(powers.ticks.count == 5)
        #expect(abs(powers.place(0.1) - 0.5) < 0.001)
        for length in [0.0, 1, 10, 80, 1800, 86_400, .nan] { #expect(Scale(time: length).ticks.count <= 8) }
    }
}

extension String {
    /// How often `part` is in it.
    fileprivate func components(_ part: String) -> Int {
        var count = 0
        var rest = self[...]
        while let place = rest.firstRange(of: part) {
            count += 1
            rest = rest[place.upperBound...]
        }
        return count
    }
}
