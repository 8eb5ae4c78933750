import CLinux
import ControlSocket
import Glibc
import Synchronization

/// Threads that say words and wait for their answers, as many as words are under way, up to a limit; the rest waits in order.
final class WordDesk: @unchecked Sendable {
    /// What became of a word.
    struct Outcome: Sendable {
        let number: UInt64
        let result: Result<WordAnswer, WordFailure>
    }

    private struct State {
        var waiting: [(number: UInt64, word: Word)] = []
        var threads = 0
        var idle = 0
        var isClosed = false
        var outcomes: [Outcome] = []
    }

    /// Seconds after which a thread that nobody needs ends, and its connection with it: what a crowd needed costs the
    /// controller memory for as long as it is there.
    private static let patience = 5

    private let words: any GatewayWords
    private let most: Int
    private let waker: Int32
    /// `lock` guards `state`; `came` tells of new words.
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let came = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var state = State()

    /// A desk for `most` words at a time; `waker` is woken when outcomes are there.
    init(_ words: any GatewayWords, most: Int, waker: Int32) {
        self.words = words
        self.most = most
        // The loop may be gone when the last answer comes.
        self.waker = fcntl(waker, F_DUPFD_CLOEXEC, 0)
        pthread_mutex_init(lock, nil)
        var clock = pthread_condattr_t()
        pthread_condattr_init(&clock)
        pthread_condattr_setclock(&clock, CLOCK_MONOTONIC)
        pthread_cond_init(came, &clock)
        pthread_condattr_destroy(&clock)
    }

    deinit {
        pthread_cond_destroy(came)
        pthread_mutex_destroy(lock)
        came.deallocate()
        lock.deallocate()
        Glibc.close(waker)
    }

    /// Says `word` as soon as one of the threads is free; its outcome has `number`.
    func say(_ word: Word, _ number: UInt64) {
        pthread_mutex_lock(lock)
        state.waiting.append((number, word))
        let lacksThread = state.idle < state.waiting.count && state.threads < most
        if lacksThread { state.threads += 1 }
        pthread_cond_signal(came)
        pthread_mutex_unlock(lock)
        guard lacksThread else { return }
        do throws(ThreadError) {
            try detachThread { self.work() }
        } catch {
            pthread_mutex_lock(lock)
            state.threads -= 1
            var lost: [Outcome] = []
            if state.threads == 0 {
                let failure = WordFailure(kind: "no thread is left", example: "errno \(error.errno)", isPassing: true)
                lost = state.waiting.map { Outcome(number: $0.number, result: .failure(failure)) }
                state.waiting = []
            }
            state.outcomes += lost
            pthread_mutex_unlock(lock)
            if !lost.isEmpty { _ = clinux_wake(waker) }
        }
    }

    /// Words that were asked for and not begun are dropped where `isDropped` says so; their outcomes never come.
    func drop(_ isDropped: (Word) -> Bool) -> [UInt64] {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        let dropped = state.waiting.filter { isDropped($0.word) }.map(\.number)
        state.waiting.removeAll { isDropped($0.word) }
        return dropped
    }

    /// What has come since the last time.
    func outcomes() -> [Outcome] {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        defer { state.outcomes = [] }
        return state.outcomes
    }

    /// The threads end, each with the word it says.
    func close() {
        pthread_mutex_lock(lock)
        state.isClosed = true
        pthread_cond_broadcast(came)
        pthread_mutex_unlock(lock)
    }

    private func work() {
        let speaker = words.speaker()
        while let (number, word) = next() {
            let result = Result { () throws(WordFailure) in try speaker.say(word) }
            pthread_mutex_lock(lock)
            state.outcomes.append(Outcome(number: number, result: result))
            pthread_mutex_unlock(lock)
            _ = clinux_wake(waker)
        }
    }

    private func next() -> (number: UInt64, word: Word)? {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        var end = timespec()
        clock_gettime(CLOCK_MONOTONIC, &end)
        end.tv_sec += Self.patience
        var isNeeded = true
        while state.waiting.isEmpty {
            guard isNeeded, !state.isClosed else {
                state.threads -= 1
                return nil
            }
            state.idle += 1
            isNeeded = pthread_cond_timedwait(came, lock, &end) != ETIMEDOUT
            state.idle -= 1
        }
        return state.waiting.removeFirst()
    }
}
