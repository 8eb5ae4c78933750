import SessionModel
import Stress
import Testing

@Suite("What a run comes to")
struct TallyTests {
    private typealias Name = Observation.ViewerName

    /// So many sessions at once, each with viewers of these kinds.
    private func plan(_ sessions: Int, _ behaviours: [StressPlan.Behaviour] = [.watcher], storms: [Double] = [])
        -> StressPlan
    {
        StressPlan(
            sessions: (0..<sessions).map { number in
                StressPlan.Session(
                    at: 0, user: number + 1, application: "xterm", hold: 10,
                    viewers: behaviours.map { StressPlan.Viewer(after: 0, way: .webSocket, behaviour: $0, seed: 1) })
            }, storms: storms, isSynthetic: false)
    }

    private func result(
        _ plan: StressPlan, _ observations: [Observation], early: Bool = false, ledger: LedgerFigures? = nil,
        leftovers: [String]? = nil, requirements: [Requirement] = []
    ) throws -> StressResult {
        var tally = Tally(plan)
        for observation in observations { tally.note(observation) }
        return tally.result(
            StressResult.Head(release: "1", gateway: "g", began: "now", words: []), try StressOptions(StressWords()),
            wasStoppedEarly: early, ledger: ledger, leftovers: leftovers, requirements: requirements)
    }

    @Test("sessions and viewers are counted by what became of them")
    func counts() throws {
        let all: [Observation] = [
            .asked(session: 0, at: 0), .asked(session: 1, at: 0), .asked(session: 2, at: 0),
            .started(session: 0, at: 0.1, took: 0.1, number: 1),
            .started(session: 1, at: 0.2, took: 0.2, number: 2),
            .refused(session: 2, at: 0.3, took: 0.3, Observation.Failure("start: no host", "every host is full")),
            .opened(Name(session: 0, viewer: 0), at: 0.2, took: 0.01),
            .picture(Name(session: 0, viewer: 0), at: 0.4, took: 0.4),
            .picture(Name(session: 1, viewer: 0), at: 0.5, took: 0.5),
            .update(Name(session: 0, viewer: 0), at: 1, bytes: 100),
            .echo(Name(session: 0, viewer: 0), at: 1, took: 0.02),
            .left(Name(session: 0, viewer: 0), at: 2.4), .stopped(session: 0, at: 2.5, took: 0.05),
            .left(Name(session: 1, viewer: 0), at: 3.5), .stopped(session: 1, at: 3.5, took: 0.05),
        ]
        let result = try result(plan(3), all)
        #expect(result.counts.planned == 3 && result.counts.started == 2 && result.counts.failed == 1)
        #expect(result.counts.up == 0 && result.counts.mostUp == 2 && result.counts.stopped == 2)
        #expect(result.counts.asked == 0)
        #expect(result.counts.seen == 2 && result.counts.watching == 0 && result.counts.mostWatching == 2)
        #expect(result.counts.failures == 1 && result.counts.unseen == 0)
        #expect(result.failures.map(\.kind) == ["start: no host"])
        #expect(result.failures.first?.example == "every host is full")
        #expect(result.rates.up == 0.2)
        #expect(result.rates.starts == 10)
        // One update in the two seconds of one and the three of the other.
        #expect(result.rates.updatesPerViewer == 0.2)
        #expect(result.latencies["picture"]?.max == 0.5)
    }

    @Test("a session that is gone when it should be stopped is not up any more")
    func gone() throws {
        let result = try result(
            plan(2, []),
            [
                .asked(session: 0, at: 0), .started(session: 0, at: 1, took: 1, number: 1),
                .refused(session: 0, at: 3, took: 0.1, Observation.Failure("stop: no session", "it has ended")),
                .gone(session: 0, at: 3), .asked(session: 1, at: 4),
                .started(session: 1, at: 5, took: 1, number: 2), .stopped(session: 1, at: 6, took: 0.1),
            ])
        #expect(result.counts.up == 0 && result.counts.mostUp == 1)
        #expect(result.counts.stopped == 1 && result.counts.failures == 1)
        #expect(result.curves.columns["sessions"] == [0, 1, 1, 0, 0, 1, 0])
    }

    @Test("percentiles are exact to three digits, the maximum is exact")
    func latencies() throws {
        let count = 1000
        let starts = (1...count).map {
            Observation.started(session: $0 - 1, at: 1, took: Double($0) / 1000, number: UInt64($0))
        }
        let figures = try #require(try result(plan(count, []), starts).latencies["start"])
        #expect(figures.count == count)
        for (got, expected) in [(figures.p50, 0.5), (figures.p90, 0.9), (figures.p99, 0.99)] {
            #expect(abs(got - expected) <= expected / 1000 + 0.000_001, "\(got) \(expected)")
        }
        #expect(figures.max == 1)
        #expect(abs(figures.mean - 0.5005) < 0.000_001)
        #expect(figures.ladder.count == LatencyFigures.rungs.count && figures.ladder.last == 1)
        #expect(figures.ladder == figures.ladder.sorted())
    }

    @Test(
        "a start that is never answered and a viewer that never has a picture are failures, but not when the run was ended"
    )
    func missing() throws {
        let all: [Observation] = [
            .asked(session: 0, at: 0), .asked(session: 1, at: 0), .started(session: 0, at: 1, took: 1, number: 1),
            .opened(Name(session: 0, viewer: 0), at: 1.1, took: 0.1), .stopped(session: 0, at: 10, took: 0.1),
        ]
        let whole = try result(plan(2, [.watcher, .vanishing]), all)
        #expect(whole.counts.unseen == 1)
        #expect(whole.counts.failures == 2)
        #expect(Set(whole.failures.map(\.kind)) == ["start: no answer", "viewer: no picture"])
        let ended = try result(plan(2, [.watcher, .vanishing]), all, early: true)
        #expect(ended.counts.failures == 0 && ended.counts.unseen == 0)
    }

    @Test("the viewers of a session whose view was refused count once, as that refusal")
    func refusedViews() throws {
        let all: [Observation] = [
            .asked(session: 0, at: 0), .started(session: 0, at: 1, took: 1, number: 1),
            .refused(session: 0, at: 2, took: 0.1, Observation.Failure("view: refused", "no")),
        ]
        let result = try result(plan(1), all)
        #expect(result.counts.failures == 1 && result.counts.unseen == 0 && result.counts.failed == 0)
    }

    @Test("who means harm is to be turned away: being served is a failure, and it is one, however often it is told")
    func hostile() throws {
        let viewer = Name(session: 0, viewer: 0)
        let begin: [Observation] = [.asked(session: 0, at: 0), .started(session: 0, at: 1, took: 1, number: 1)]
        let good = try result(plan(1, [.hostile]), begin + [.turnedAway(viewer, at: 2), .turnedAway(viewer, at: 3)])
        #expect(good.counts.turnedAway == 1 && good.counts.failures == 0 && good.counts.unseen == 0)
        let bad = try result(
            plan(1, [.hostile]),
            begin + [
                .picture(viewer, at: 2, took: nil),
                .viewerFailed(viewer, at: 2, Observation.Failure("viewer: served", "it was let in")),
            ])
        #expect(bad.counts.failures == 1 && bad.counts.seen == 0)
        let wrong = try result(plan(1), begin + [.turnedAway(viewer, at: 2)])
        #expect(wrong.failures.map(\.kind) == ["viewer: turned away"])
    }

    @Test("who fails watches on until it has left: a key without an echo ends no view")
    func failsAndWatches() throws {
        let viewer = Name(session: 0, viewer: 0)
        let begin: [Observation] = [
            .asked(session: 0, at: 0), .started(session: 0, at: 1, took: 1, number: 1),
            .picture(viewer, at: 2, took: 2),
            .viewerFailed(viewer, at: 3, Observation.Failure("viewer: no echo", "no key changed the picture")),
        ]
        let watching = try result(plan(1), begin + [.update(viewer, at: 4, bytes: 1)])
        #expect(watching.counts.watching == 1 && watching.counts.viewersFailed == 1)
        #expect(watching.rates.updatesPerViewer == 0.5)
        #expect(try result(plan(1), begin + [.left(viewer, at: 4)]).counts.watching == 0)
    }

    @Test("viewers that are cut and come back have their gap, and watch again")
    func storms() throws {
        let viewer = Name(session: 0, viewer: 0)
        let result = try result(
            plan(1, storms: [5]),
            [
                .asked(session: 0, at: 0), .started(session: 0, at: 1, took: 1, number: 1),
                .picture(viewer, at: 2, took: 2), .left(viewer, at: 5), .returned(viewer, at: 6.5, gap: 1.5),
                .left(viewer, at: 9), .stopped(session: 0, at: 10, took: 0.1),
            ])
        #expect(result.latencies["reconnect"]?.max == 1.5)
        #expect(result.counts.returned == 1 && result.counts.seen == 1)
        #expect(result.curves.columns["viewers"] == [0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0])
        #expect(result.curves.columns["sessions"] == [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0])
    }

    @Test("failures are kept by class, with the first one's words, on one line, and not without end")
    func failures() throws {
        let many = (0..<200).map {
            Observation.refused(
                session: 0, at: Double($0), took: 0, Observation.Failure("kind \($0)", "words\n\u{1B}[2J \($0)"))
        }
        let result = try result(plan(1), many + many)
        #expect(result.counts.failures == 400)
        #expect(result.failures.count == 51)
        #expect(result.failures.first?.kind == "others")
        #expect(result.failures.allSatisfy { !$0.example.contains("\n") && !$0.example.contains("\u{1B}") })
        #expect(result.failures.reduce(0) { $0 + $1.count } == 400)
    }

    @Test("names and numbers that make no sense do no harm")
    func senseless() throws {
        let strange = Name(session: 99, viewer: -1)
        let moments = [Double.nan, -.infinity, .infinity, -5, 1e300]
        let all = moments.flatMap { moment -> [Observation] in
            [
                .asked(session: -1, at: moment), .started(session: 99, at: moment, took: moment, number: 1),
                .refused(session: 99, at: moment, took: moment, Observation.Failure("", "")),
                .picture(strange, at: moment, took: moment), .echo(strange, at: moment, took: moment),
                .update(strange, at: moment, bytes: 1), .left(strange, at: moment),
                .returned(strange, at: moment, gap: moment),
                .viewerFailed(strange, at: moment, Observation.Failure("", "")),
                .stopped(session: 99, at: moment, took: moment), .fault("x", at: moment, healed: moment),
                .sampled(
                    Sample(
                        at: moment, parts: ["a": Sample.Part(processes: 1, cpu: moment, memory: -1, descriptors: -1)])),
            ]
        }
        let result = try result(plan(1), all)
        #expect(try result.json().utf8.count < 2_000_000)
        #expect(ReportPage(result).markup.contains("</html>"))
        #expect(!result.text.isEmpty)
    }

    @Test("a part's processor time and memory are followed over its restarts; what grew is told after seven minutes")
    func parts() throws {
        func sample(_ at: Double, cpu: Double, memory: Int, since: UInt64 = 1) -> Observation {
            .sampled(
                Sample(
                    at: at,
                    parts: [
                        "relay": Sample.Part(processes: 1, cpu: cpu, memory: memory, descriptors: 9, since: since)
                    ]))
        }
        let restarted = try result(
            plan(1, []),
            [sample(0, cpu: 10, memory: 100), sample(10, cpu: 15, memory: 300), sample(20, cpu: 1, memory: 200)])
        let part = try #require(restarted.parts["relay"])
        #expect(part.cpu == 6 && part.cpuMean == 0.3 && part.cpuMost == 0.5)
        #expect(part.memoryFirst == 100 && part.memoryMost == 300 && part.memoryLast == 200)
        #expect(part.memoryGrowth == nil)
        let long = try result(
            plan(1, []), (0...600).map { sample(Double($0), cpu: Double($0), memory: $0 < 400 ? 1000 : 1080) })
        #expect(long.parts["relay"]?.memoryGrowth == 0.08)
        #expect(try Requirement("growth.relay<=10%").verdict(on: long).isMet)
        #expect(try !Requirement("growth.relay<8%").verdict(on: long).isMet)
        let gone = try result(
            plan(1, []), (0...600).map { sample(Double($0), cpu: Double($0), memory: $0 < 400 ? 1000 : 0) })
        #expect(gone.parts["relay"]?.memoryGrowth == nil)
        #expect(try !Requirement("growth.relay<=10%").verdict(on: gone).isMet)
        // A new process begins small: only what one and the same grew by tells of a leak.
        let reborn = try result(
            plan(1, []),
            (0...1000).map { moment in
                let isFirst = moment < 700
                return sample(
                    Double(moment), cpu: 0, memory: isFirst ? 1000 + moment : 900, since: isFirst ? 1 : 2)
            })
        let growth = try #require(reborn.parts["relay"]?.memoryGrowth)
        // Of the sixth minute and the last one of the first life the middles are 330 and 669.
        #expect(abs(growth - (1669.0 / 1330 - 1)) < 0.002)
    }

    @Test("what is not shown of a part's processes is not known, and not nothing")
    func hidden() throws {
        func sample(_ at: Double, _ memory: Int?) -> Observation {
            .sampled(
                Sample(at: at, parts: ["relay": .init(processes: 1, cpu: at, memory: memory, descriptors: nil)]))
        }
        let hidden = try result(plan(1, []), [sample(0, nil), sample(1, nil)])
        let part = try #require(hidden.parts["relay"])
        #expect(part.cpu == 1 && part.memoryFirst == nil && part.memoryMost == nil && part.descriptorsMost == nil)
        #expect(hidden.curves.columns["memory relay"] == nil)
        #expect(try !hidden.json().contains("memoryFirst"))
        #expect(try StressResult(json: try hidden.json(), name: "x") == hidden)
        #expect(hidden.text.contains("-, -") && ReportPage(hidden).markup.contains("</html>"))
        let later = try result(plan(1, []), [sample(0, nil), sample(1, 100), sample(2, 300)])
        #expect(later.parts["relay"]?.memoryFirst == 100 && later.parts["relay"]?.memoryMost == 300)
    }

    @Test("what a session takes of its host is not told of one that shares this machine")
    func sharedMachine() throws {
        func sample(_ at: Double, _ available: Int, _ used: Int) -> Observation {
            let host = Sample.Host(memoryAvailable: available, load: 0, ready: 0, used: used)
            return .sampled(
                Sample(
                    at: at, parts: ["agent exec1": .init(processes: 1, cpu: 0, memory: 1, descriptors: 1)],
                    hosts: ["exec1": host, "far": host]))
        }
        let result = try result(plan(1, []), [sample(0, 1000, 0), sample(1, 900, 10)])
        #expect(result.hosts["exec1"]?.memoryPerSession == nil && result.hosts["exec1"]?.sessionsMost == 10)
        #expect(result.hosts["far"]?.memoryPerSession == 10240)
    }

    @Test("counters are what they grew by, also when their process began anew; statements are told for each start")
    func counters() throws {
        func sample(
            _ at: Double, _ statements: UInt64, _ viewers: UInt64 = 5, _ more: [String: UInt64] = [:]
        ) -> Observation {
            .sampled(
                Sample(
                    at: at,
                    counters: more.merging(
                        ["statements": statements, "pool.hits": statements / 10, "relay.x.viewers": viewers]
                    ) { $1 }))
        }
        let result = try result(
            plan(2, []),
            [
                sample(0, 1000, 5, ["beginSession": 400, "relay.x.views": 50]), .asked(session: 0, at: 0),
                .started(session: 0, at: 1, took: 1, number: 1), .asked(session: 1, at: 0),
                .started(session: 1, at: 1, took: 1, number: 2),
                sample(2, 1030, 5, ["beginSession": 402, "relay.x.views": 52]),
                sample(3, 10, 5, ["relay.x.views": 53]),
                sample(4, 12, 3, ["beginSession": 3, "relay.x.views": 54]),
            ])
        #expect(result.counters.all["statements"] == 42)
        #expect(result.counters.statementsPerStart == 21)
        #expect(result.counters.poolHits == 4)
        // It was first told a while after its process had begun anew, and a relay's went on.
        #expect(result.counters.all["beginSession"] == 5)
        #expect(result.counters.all["relay.x.views"] == 4)
        // It fell while the controller lived: it tells how many there are now.
        #expect(result.counters.all["relay.x.viewers"] == nil)
        #expect(result.counters.poolMisses == nil)
    }

    @Test("a run of a day keeps fewer samples than it took, and its sums stand")
    func manySamples() throws {
        let samples = (0..<86_400).map { second in
            Observation.sampled(
                Sample(
                    at: Double(second),
                    parts: [
                        "relay": Sample.Part(
                            processes: 1, cpu: Double(second) / 100, memory: 1000 + second / 100, descriptors: 9)
                    ]))
        }
        let relay = try #require(try result(plan(1), samples).parts["relay"])
        #expect(abs(relay.cpu - 864) < 0.2 && relay.cpuMean == 0.01 && relay.cpuMost == 0.01)
        #expect(relay.memoryFirst == 1000 && relay.memoryLast == 1863 && relay.memoryMost == 1863)
    }

    @Test("a long run's curves have no more rows than a page can show")
    func curves() throws {
        let result = try result(plan(1), [.asked(session: 0, at: 0), .asked(session: 0, at: 86_399)])
        #expect(result.curves.columns.values.allSatisfy { $0.count <= 240 })
        #expect(result.curves.step == 360)
    }

    @Test("a fault that is told twice is one: when it struck, and when all was well")
    func faults() throws {
        let result = try result(
            plan(1, []),
            [
                .fault("kill:relay", at: 5.25, healed: nil), .fault("kill:agent", at: 9, healed: nil),
                .fault("kill:relay", at: 5.25, healed: 1.5),
            ])
        #expect(result.faults.map(\.name) == ["kill:relay", "kill:agent"])
        #expect(result.faults.map(\.healed) == [1.5, nil])
        #expect(result.latencies["heal"]?.max == 1.5)
        #expect(try !Requirement("unhealed=0").verdict(on: result).isMet)
        #expect(try Requirement("faults=2").verdict(on: result).isMet)
        // Nothing is healed where nothing was broken.
        #expect(try !Requirement("unhealed=0").verdict(on: self.result(plan(1, []), [])).isMet)
    }

    @Test("what no fault excuses is told apart from what one may have caused")
    func wrongs() throws {
        let viewer = Name(session: 0, viewer: 0)
        let begin: [Observation] = [.asked(session: 0, at: 0), .started(session: 0, at: 1, took: 1, number: 1)]
        let lost = Observation.viewerFailed(viewer, at: 2, .init("viewer: the connection was lost", "while it watched"))
        let excused = try result(plan(1), begin + [lost])
        #expect(excused.counts.failures == 1)
        #expect(try Requirement("wrongs=0").verdict(on: excused).isMet)
        let troubles: [Observation] = ["session: ended wrongly", "fault: not healed"].map {
            .trouble(at: 3, .init($0, "x"))
        }
        #expect(try Requirement("wrongs=2").verdict(on: result(plan(1), begin + [lost] + troubles)).isMet)
        let served = try result(plan(1, [.hostile]), begin + [.picture(viewer, at: 2, took: 1)])
        #expect(try Requirement("wrongs=1").verdict(on: served).isMet)
    }

    @Test("counters that were told once grew by nothing that is known")
    func countersToldOnce() throws {
        func told(_ statements: UInt64) -> Observation {
            .sampled(Sample(at: 1, counters: ["statements": statements]))
        }
        let begin: [Observation] = [.asked(session: 0, at: 0), .started(session: 0, at: 1, took: 1, number: 1)]
        let once = try result(plan(1, []), begin + [told(50)])
        #expect(once.counters.statementsPerStart == nil)
        let twice = try result(plan(1, []), begin + [told(50), told(62)])
        #expect(twice.counters.statementsPerStart == 12)
    }
}
