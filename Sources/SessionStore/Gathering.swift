import Synchronization

/// What several tasks have to tell the database at one moment, to be written together: a thousand viewers that leave at
/// once cost some transactions, and not two thousand. Nobody waits for company: who comes while others are being written
/// goes with the next turn.
final class Gathering<Word: Sendable, Answer: Sendable>: Sendable {
    struct Waiting: Sendable {
        let word: Word
        let answer: CheckedContinuation<Result<Answer, StoreError>, Never>
    }

    private struct State: Sendable {
        var waiting: [Waiting] = []
        var isBeingWritten = false
    }

    private let state = Mutex(State())

    /// True: nobody is writing, and the caller has to see to it.
    func add(_ word: Word, _ answer: CheckedContinuation<Result<Answer, StoreError>, Never>) -> Bool {
        state.withLock { state in
            state.waiting.append(Waiting(word: word, answer: answer))
            defer { state.isBeingWritten = true }
            return !state.isBeingWritten
        }
    }

    /// The next turn, of so many at most, in the order they came.
    func next(most: Int) -> [Waiting] {
        state.withLock { state in
            defer { state.waiting.removeFirst(min(most, state.waiting.count)) }
            return Array(state.waiting.prefix(most))
        }
    }

    /// Whether there has to be another turn; if not, whoever adds something next sees to it.
    func goesOn() -> Bool {
        state.withLock { state in
            state.isBeingWritten = !state.waiting.isEmpty
            return state.isBeingWritten
        }
    }
}
