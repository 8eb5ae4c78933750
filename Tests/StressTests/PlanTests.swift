import SessionModel
import Stress
import Testing

@Suite("The plan of a run")
struct PlanTests {
    private func plan(_ change: (inout StressWords) -> Void) throws -> StressPlan {
        var words = StressWords()
        change(&words)
        return StressPlan(try StressOptions(words))
    }

    @Test("the same words give the same plan, another seed another one", arguments: [nil, "class", "day", "storm"])
    func seeds(profile: String?) throws {
        func made(_ seed: String) throws -> StressPlan {
            try plan {
                $0.profile = profile
                $0.seed = seed
                $0.viewers = "1.5"
                $0.apps = "xterm,gnuplot:3"
                $0.behaviours = "watcher,typist,hostile"
            }
        }
        #expect(try made("5") == made("5"))
        #expect(try made("5") != made("6"))
    }

    @Test("more viewers change nothing of when and what is started")
    func streams() throws {
        func made(_ viewers: String) throws -> [StressPlan.Session] {
            try plan {
                $0.profile = "day"
                $0.viewers = viewers
                $0.apps = "a,b,c"
            }.sessions.map {
                var session = $0
                session.viewers = []
                return session
            }
        }
        #expect(try made("0") == made("2.5"))
    }

    @Test("sessions come at their rate, each a user of its own, and stay as long as was said")
    func rate() throws {
        let plan = try plan {
            $0.sessions = "1000"
            $0.rate = "50/s"
            $0.hold = "30s"
            $0.isSynthetic = true
        }
        #expect(plan.sessions.map(\.at) == (0..<1000).map { Double($0) / 50 })
        #expect(plan.sessions.allSatisfy { $0.hold == 30 && $0.viewers.count == 1 })
        #expect(Set(plan.sessions.map(\.user)).count == 1000)
        #expect(plan.isSynthetic)
        #expect(plan.length == 19.98 + 30)
    }

    @Test("after user 9999 comes user 1")
    func users() throws {
        let plan = try plan { $0.sessions = "10001" }
        #expect(plan.sessions.suffix(3).map(\.user) == [9999, 1, 2])
    }

    @Test("proportions are exact, in an order by chance")
    func shares() throws {
        let plan = try plan {
            $0.sessions = "400"
            $0.viewers = "1.5"
            $0.apps = "a,b:3"
            $0.ways = "websocket:4,connect,native"
            $0.behaviours = "watcher:2,typist"
        }
        let viewers = plan.sessions.flatMap(\.viewers)
        #expect(plan.sessions.count { $0.application == "a" } == 100)
        #expect(Set(plan.sessions.prefix(40).map(\.application)) == ["a", "b"])
        #expect(viewers.count == 600)
        #expect(Set(plan.sessions.map(\.viewers.count)) == [1, 2])
        #expect(viewers.count { $0.way == .webSocket } == 400)
        #expect(viewers.count { $0.way == .native } == 100)
        // One typist a session: of two the second watches.
        let typists = plan.sessions.map { session in session.viewers.count { $0.behaviour == .typist } }
        #expect(Set(typists) == [0, 1] && (150..<200).contains(typists.reduce(0, +)))
        #expect(Set(viewers.map(\.seed)).count == 600)
        for session in plan.sessions {
            #expect(session.viewers.first?.after == 0)
            #expect(session.viewers.allSatisfy { (0..<15).contains($0.after) })
        }
    }

    @Test("a burst and a class are asked for at one moment; a class leaves within a tenth of its time")
    func atOnce() throws {
        let burst = try plan { $0.burst = "100" }
        #expect(burst.sessions.count == 100 && burst.sessions.allSatisfy { $0.at == 0 && $0.hold == 60 })
        let `class` = try plan { $0.profile = "class" }
        #expect(`class`.sessions.allSatisfy { $0.at == 0 && (120...132).contains($0.hold) })
        #expect(Set(`class`.sessions.map(\.hold)).count > 50)
    }

    @Test("a day is busy before and after noon, quiet at night, and over when it is over")
    func day() throws {
        let plan = try plan {
            $0.profile = "day"
            $0.length = "24m"
            $0.sessions = "2000"
        }
        func asked(_ hours: Range<Double>) -> Int { plan.sessions.count { hours.contains($0.at / 60) } }
        #expect(plan.sessions.map(\.at) == plan.sessions.map(\.at).sorted())
        #expect(asked(0..<24) == 2000)
        #expect(asked(9..<11) > 5 * asked(2..<4))
        #expect(asked(9..<11) > asked(12..<13) * 2)
        #expect(plan.sessions.allSatisfy { $0.hold >= 5 })
        #expect(plan.length <= 24 * 60 + 5)
        let behaviours = Set(plan.sessions.flatMap(\.viewers).map(\.behaviour))
        #expect(behaviours == Set(StressPlan.Behaviour.allCases))
    }

    @Test("a storm comes when everyone is there, and everyone stays until after it")
    func storm() throws {
        let plan = try plan {
            $0.profile = "storm"
            $0.hold = "20s"
        }
        #expect(plan.sessions.count == 1000)
        #expect(plan.storms == [19.98 + 10])
        #expect(plan.sessions.allSatisfy { abs($0.at + $0.hold - 49.98) < 0.001 })
    }

    @Test("a plan tells what it is before it is carried out")
    func summary() throws {
        var words = StressWords()
        words.sessions = "1000"
        words.rate = "50/s"
        words.isSynthetic = true
        words.seed = "42"
        let options = try StressOptions(words)
        #expect(
            StressPlan(options).summary(options)
                == """
                  sessions      1,000, synthetic, 50/s
                  stay          60 s
                  applications  1,000 xterm
                  viewers       1,000
                  ways          1,000 websocket
                  behaviours    750 watcher, 250 typist
                  at most       1,000 sessions, 1,000 viewers at once
                  takes         about 80 s
                  seed          42

                """.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\n"))
    }
}
