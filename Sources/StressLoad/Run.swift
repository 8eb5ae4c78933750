import CLinux
import Glibc
import SessionModel
import Stress

/// A plan while it is carried out: the loop's thread alone uses it.
final class Run {
    let engine: Engine
    let plan: StressPlan
    let options: Load.Options
    private let tellObservation: (Observation) -> Void
    private let starts: WordDesk
    private let others: WordDesk
    private var pending: [UInt64: (Result<WordAnswer, WordFailure>) -> Void] = [:]
    private var lastWord: UInt64 = 0
    private var sessions: [LiveSession] = []
    private var unfinished = 0
    private(set) var isStopping = false
    /// Every connection whose RFB session was up.
    private(set) var seen: [SeenView] = []
    /// Users whose start broke off before its answer: a session may run that nobody knows of.
    private(set) var lostUsers: Set<UserName> = []
    /// The sessions that are known.
    private(set) var numbers: Set<UInt64> = []

    init(
        _ plan: StressPlan, _ engine: Engine, _ words: any GatewayWords, _ options: Load.Options,
        tell: @escaping (Observation) -> Void
    ) {
        self.plan = plan
        self.engine = engine
        self.options = options
        tellObservation = tell
        starts = WordDesk(words, most: options.startsAtOnce, waker: engine.waker)
        others = WordDesk(words, most: options.othersAtOnce, waker: engine.waker)
    }

    /// Everything is asked for at its moment.
    func begin() {
        unfinished = plan.sessions.count
        for (index, session) in plan.sessions.enumerated() {
            let live = LiveSession(self, index, session)
            sessions.append(live)
            engine.at(session.at) { live.begin() }
        }
        for storm in plan.storms {
            engine.at(storm) { [weak self] in self?.storm() }
        }
    }

    /// Serves once; false: everything has ended.
    func turn() -> Bool {
        engine.turn()
        for outcome in starts.outcomes() + others.outcomes() {
            pending.removeValue(forKey: outcome.number)?(outcome.result)
        }
        return unfinished > 0
    }

    /// Nothing more is begun, and what runs comes to its end.
    func stop() {
        guard !isStopping else { return }
        isStopping = true
        for session in sessions { session.stop() }
        for number in starts.drop({ _ in true }) {
            pending.removeValue(forKey: number)?(
                .failure(WordFailure(kind: "never said", example: "the run was stopped", isPassing: false)))
        }
        // Whoever asked for a view has left: no stop waits for that.
        for number in others.drop({ if case .stop = $0 { false } else { true } }) {
            pending.removeValue(forKey: number)
        }
    }

    /// The threads that say words end.
    func close() {
        starts.close()
        others.close()
    }

    func tell(_ observation: Observation) { tellObservation(observation) }

    /// Says `word`; `then` is called with its outcome, later.
    func say(_ word: Word, _ then: @escaping (Result<WordAnswer, WordFailure>) -> Void) {
        lastWord += 1
        pending[lastWord] = then
        if case .start = word { starts.say(word, lastWord) } else { others.say(word, lastWord) }
    }

    func sessionEnded() { unfinished -= 1 }

    func started(_ number: UInt64) { numbers.insert(number) }

    func lost(_ user: UserName) { lostUsers.insert(user) }

    func saw(_ view: SeenView) { seen.append(view) }

    private func storm() {
        guard !isStopping else { return }
        for session in sessions { session.storm() }
    }
}
