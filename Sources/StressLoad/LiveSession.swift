import SessionModel
import Stress

/// A viewer of a session, whatever it means.
protocol SessionViewer: AnyObject {
    /// Its moment has come.
    func begin()
    /// All viewers are cut at once: one that watches loses its connection, and comes back.
    func storm()
    /// Its session's time is over; it comes no more.
    func leave()
}

/// One session of the plan: asked for at its moment, watched, and stopped at the end of its hold.
final class LiveSession {
    private enum State {
        case planned, starting
        case running(UInt64)
        /// Its viewers leave.
        case ending(UInt64)
        case stopping(UInt64)
        case over
    }

    /// Seconds between tries of a word that may succeed in a moment, and how often it is tried.
    static let pause = 1.0
    static let tries = 60
    /// Seconds from the viewers' goodbye to the stop.
    static let goodbye = 0.1

    let index: Int
    let user: UserName
    private unowned let run: Run
    private let plan: StressPlan.Session
    private var state = State.planned
    private var viewers: [any SessionViewer] = []
    private var asked = 0.0
    private var hasPicture = false
    /// Whether the run was stopped while its start was under way.
    private var isUnwanted = false

    init(_ run: Run, _ index: Int, _ plan: StressPlan.Session) {
        self.run = run
        self.index = index
        self.plan = plan
        user = Self.user(plan.user)
    }

    /// The stress user of that number; the controller has its word on one that is none.
    static func user(_ number: Int) -> UserName { (try? .stress(number)) ?? UserName(known: "stress-\(number)") }

    var isSynthetic: Bool { run.plan.isSynthetic }

    /// Its moment has come. Latency counts from the plan's moment, also where the word waits for others, and where this
    /// machine is late: whoever asks waits too.
    func begin() {
        guard case .planned = state else { return }
        state = .starting
        asked = plan.at
        run.tell(.asked(session: index, at: asked))
        let word = Word.start(user: user, application: plan.application, isSynthetic: run.plan.isSynthetic)
        run.say(word) { [self] result in started(word, result) }
    }

    /// The run ends early.
    func stop() {
        switch state {
        case .planned: over()
        case .starting: isUnwanted = true
        case .running(let number): end(number)
        case .ending, .stopping, .over: break
        }
    }

    func storm() {
        guard case .running = state else { return }
        for viewer in viewers { viewer.storm() }
    }

    /// The first picture's seconds since the session was asked for, without the `wait` that the plan has its viewer come
    /// later; nil for another picture.
    func pictureTook(at now: Double, wait: Double) -> Double? {
        guard !hasPicture else { return nil }
        hasPicture = true
        return now - asked - wait
    }

    private func started(_ word: Word, _ result: Result<WordAnswer, WordFailure>) {
        let now = run.engine.now
        switch result {
        case .success(.started(let number)):
            run.tell(.started(session: index, at: now, took: now - asked, number: number))
            run.started(number)
            state = .running(number)
            guard !isUnwanted else { return end(number) }
            for (place, viewer) in plan.viewers.enumerated() {
                let name = Observation.ViewerName(session: index, viewer: place)
                let live: any SessionViewer =
                    viewer.behaviour == .hostile
                    ? HostileViewer(run, self, number, name, viewer) : LiveViewer(run, self, number, name, viewer)
                viewers.append(live)
                run.engine.after(viewer.after) { live.begin() }
            }
            run.engine.after(plan.hold) { [self] in
                if case .running(let number) = state { end(number) }
            }
        case .success:
            over()
        case .failure(let failure):
            if failure.isPassing { run.lost(user) }
            if !isUnwanted {
                run.tell(.refused(session: index, at: now, took: now - asked, failure.told(of: word)))
            }
            over()
        }
    }

    private func end(_ number: UInt64) {
        state = .ending(number)
        for viewer in viewers { viewer.leave() }
        run.engine.after(viewers.isEmpty ? 0 : Self.goodbye) { [self] in
            state = .stopping(number)
            stop(number, since: run.engine.now, tries: Self.tries)
        }
    }

    private func stop(_ number: UInt64, since began: Double, tries: Int) {
        let word = Word.stop(session: number)
        run.say(word) { [self] result in
            let now = run.engine.now
            switch result {
            case .success:
                run.tell(.stopped(session: index, at: now, took: now - began))
                over()
            case .failure(let failure):
                // Nothing may be left: it is tried again, and told once.
                if tries == Self.tries {
                    run.tell(.refused(session: index, at: now, took: now - began, failure.told(of: word)))
                }
                if !failure.isPassing { run.tell(.gone(session: index, at: now)) }
                guard failure.isPassing, tries > 1 else { return over() }
                run.engine.after(Self.pause) { [self] in stop(number, since: began, tries: tries - 1) }
            }
        }
    }

    private func over() {
        state = .over
        viewers = []
        run.sessionEnded()
    }
}
