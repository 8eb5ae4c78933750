import SessionModel
import Testing

@Suite("Reaping") struct ReapingTests {
    private let day = 86400.0

    private func after(_ sight: SessionSight, seconds: Double) -> SessionClocks {
        after(SessionClocks(), sight, seconds: seconds)
    }

    private func after(
        _ clocks: SessionClocks, _ sight: SessionSight, seconds: Double, by step: Double = 5,
        relays: RelaySight = .heard
    ) -> SessionClocks {
        var clocks = clocks
        for _ in 0..<Int(seconds / step) {
            clocks = Reaping.advanced(clocks, sight, in: Reaping.Round(elapsed: step, relays: relays))
        }
        return clocks
    }

    private func fate(
        _ clocks: SessionClocks, _ sight: SessionSight, relays: RelaySight = .heard
    ) -> Reaping.Fate { Reaping.fate(clocks, sight, relays: relays, lostAfter: 3600) }

    @Test("a session that nobody observes is due when its timeout is over, and not a round before")
    func unobserved() {
        let sight = SessionSight(timeout: 100)
        #expect(!fate(after(sight, seconds: 95), sight).isDue)
        let due = fate(after(sight, seconds: 100), sight)
        #expect(due.isDue && due.reason == .unobserved(100))
    }

    @Test(
        "whatever observes a session keeps it, and the time counts anew afterwards",
        arguments: [
            SessionSight(viewers: 1, timeout: 10), SessionSight(jobs: 1, timeout: 10),
            SessionSight(wasTouched: true, timeout: 10), SessionSight(hostAway: 30, timeout: 10),
        ])
    func observed(sight: SessionSight) {
        let clocks = after(sight, seconds: 1000)
        #expect(clocks.unobserved == 0)
        let alone = SessionSight(timeout: 10)
        #expect(!fate(after(clocks, alone, seconds: 5), alone).isDue)
        #expect(fate(after(clocks, alone, seconds: 10), alone).isDue)
    }

    @Test("after an outage every session has its whole time again; a short absence stops the clock only")
    func outages() {
        let sight = SessionSight(timeout: 100)
        let old = SessionClocks(unobserved: 99)
        let outage = Reaping.Round(elapsed: 30, followsOutage: true)
        #expect(Reaping.advanced(old, sight, in: outage).unobserved == 0)
        #expect(after(old, sight, seconds: 5, relays: .silent).unobserved == 0)
        #expect(after(old, sight, seconds: 20, relays: .unknown).unobserved == 99)
        #expect(after(old, SessionSight(hostAway: 15, timeout: 100), seconds: 10).unobserved == 99)
        #expect(after(old, SessionSight(hostAway: 14, timeout: 100), seconds: 5).unobserved == 104)
        #expect(!fate(SessionClocks(unobserved: 1e9), sight, relays: .silent).isDue)
        #expect(!fate(SessionClocks(unobserved: 1e9), sight, relays: .unknown).isDue)
    }

    @Test("a pause of the reaper or a clock that runs backwards counts at most half a minute")
    func pauses() {
        let sight = SessionSight(timeout: 100)
        let paused = Reaping.advanced(SessionClocks(), sight, in: Reaping.Round(elapsed: 1e9))
        #expect(paused.unobserved == Reaping.blink && paused.lived == Reaping.blink)
        let backwards = Reaping.advanced(SessionClocks(unobserved: 7), sight, in: Reaping.Round(elapsed: -1e9))
        #expect(backwards.unobserved == 7 && backwards.lived == 0)
    }

    @Test("time that was given comes after the timeout's, not on top")
    func extended() {
        let sight = SessionSight(timeout: 100)
        let clocks = SessionClocks(unobserved: 0, kept: 300)
        #expect(fate(clocks, sight).endsIn == 300)
        #expect(fate(after(clocks, sight, seconds: 250), sight).endsIn == 50)
        #expect(fate(after(clocks, sight, seconds: 300), sight).isDue)
        #expect(fate(SessionClocks(kept: 50), sight).endsIn == 100)
    }

    @Test("a maximum age ends watched sessions too, unless more was given")
    func age() {
        let sight = SessionSight(viewers: 1, timeout: day, maximumAge: 500)
        #expect(fate(after(sight, seconds: 300), sight).endsIn == 200)
        let due = fate(after(sight, seconds: 500), sight)
        #expect(due.isDue && due.reason == .tooOld(500))
        #expect(fate(SessionClocks(lived: 500, keptAge: 60), sight).endsIn == 60)
    }

    @Test("of several ends the first counts")
    func first() {
        let sight = SessionSight(drainIn: 300, timeout: 500, maximumAge: 400)
        #expect(fate(SessionClocks(stopsIn: 200), sight).reason == .stoppedWithNotice)
        #expect(fate(SessionClocks(), sight).reason == .hostDrained)
        #expect(fate(SessionClocks(lived: 150), sight).reason == .tooOld(150))
        #expect(fate(SessionClocks(unobserved: 499), sight).reason == .unobserved(499))
    }

    @Test(
        "a host that is away loses its sessions after its time only, and nothing but an administrator ends them before")
    func hostLost() {
        let away = SessionSight(hostAway: 3599, drainIn: 0, timeout: 1, maximumAge: 1)
        #expect(fate(SessionClocks(unobserved: 1e6, lived: 1e6), away).endsIn == 1)
        let lost = SessionSight(hostAway: 3600, timeout: 1)
        let due = fate(SessionClocks(), lost)
        #expect(due.isDue && due.reason == .hostLost(3600))
        #expect(fate(SessionClocks(stopsIn: 0), SessionSight(hostAway: 100, timeout: 1)).reason == .stoppedWithNotice)
    }

    @Test("an administrator reads what keeps a session, or ends it")
    func words() {
        let watched = fate(SessionClocks(), SessionSight(viewers: 2, timeout: day))
        #expect(watched.endsIn == nil && watched.words == "2 viewers watch; may be unobserved for 1d")
        #expect(fate(SessionClocks(), SessionSight(jobs: 1, timeout: day)).words.hasPrefix("a job runs"))
        #expect(fate(SessionClocks(unobserved: 600), SessionSight(timeout: day)).words == "unobserved for 10m of 1d")
        #expect(fate(SessionClocks(), SessionSight(timeout: 60), relays: .silent).words.hasPrefix("no relay is heard"))
    }

    @Test("viewers are told of an end that would come whether they watch or not")
    func notices() {
        let watched = SessionSight(viewers: 1, drainIn: 300, timeout: day)
        #expect(Reaping.notice(of: fate(SessionClocks(), watched))?.hasPrefix("This session ends in 5 minutes") == true)
        let soon = SessionSight(viewers: 1, drainIn: 10, timeout: day)
        #expect(Reaping.notice(of: fate(SessionClocks(), soon))?.hasPrefix("This session ends in 10 seconds") == true)
        #expect(Reaping.notice(of: fate(SessionClocks(), SessionSight(timeout: 60))) == nil)
    }
}
