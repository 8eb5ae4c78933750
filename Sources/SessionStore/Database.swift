import SessionModel
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// The hub's database. Each function carries out one intent and is atomic where the tables' engine can be; it may be
/// called from any task, and suspends while the server works.
public final class Database: Sendable {
    let address: DatabaseAddress
    private let threads: ConnectionThreads
    private let counts = Mutex<[String: UInt64]>([:])
    /// Tokens that are made at this moment; views that are reserved, that begin and that end.
    let mintings = Gathering<Minting, Void>()
    let reservations = Gathering<Reservation, UInt64?>()
    let beginnings = Gathering<ViewBeginning, Bool>()
    let endings = Gathering<ViewEnding, Void>()
    let takenNumbers = TakenNumbers()
    /// The portal's table prefix, once it was found.
    let foundPrefix = Mutex<String?>(nil)

    /// A database that connects at the first call. Its threads end with it.
    public init(_ address: DatabaseAddress) {
        self.address = address
        threads = ConnectionThreads()
        threads.start(address)
    }

    deinit { threads.close() }

    /// Asks the server for a sign of life.
    public func ping() async throws(StoreError) {
        try await run(repeatable: true) { connection throws(StoreError) in
            _ = try connection.query("SELECT 1")
        }
    }

    /// How often each function was called, and under `statements` how many statements all of them sent.
    public func counters() -> [String: UInt64] {
        counts.withLock { $0 }
    }

    /// Runs `body` on a connection's thread. Deadlocks are repeated (the transaction was rolled back); a lost
    /// connection is, where nothing was written yet or `repeatable` says that writing twice changes nothing.
    @discardableResult
    func run<Result: Sendable>(
        repeatable: Bool = false, named name: String = #function,
        _ body: @escaping @Sendable (Connection) throws(StoreError) -> Result
    ) async throws(StoreError) -> Result {
        let outcome = await withCheckedContinuation { continuation in
            threads.add { connection in
                let outcome = Self.attempt(body, on: connection, repeatable: repeatable)
                self.count(name, statements: connection.takeStatements())
                continuation.resume(returning: outcome)
            }
        }
        return try outcome.get()
    }

    /// Has `word` written together with what other tasks have to tell at this moment: `write` gets up to a hundred words, and
    /// returns an answer to each. It may be repeated, and where it fails each word is written by itself: one that the
    /// tables refuse keeps no other back.
    func together<Word: Sendable, Answer: Sendable>(
        _ gathering: Gathering<Word, Answer>, _ word: Word, named name: String = #function,
        _ write: @escaping @Sendable ([Word], Connection) throws(StoreError) -> [Answer]
    ) async throws(StoreError) -> Answer {
        let outcome = await withCheckedContinuation { continuation in
            if gathering.add(word, continuation) { takeTurn(gathering, name, write) }
        }
        return try outcome.get()
    }

    private func takeTurn<Word: Sendable, Answer: Sendable>(
        _ gathering: Gathering<Word, Answer>, _ name: String,
        _ write: @escaping @Sendable ([Word], Connection) throws(StoreError) -> [Answer]
    ) {
        threads.add { connection in
            let turn = gathering.next(most: Self.groupSize)
            let attempt = { (words: [Word]) in
                Self.attempt({ c throws(StoreError) in try write(words, c) }, on: connection, repeatable: true)
            }
            switch attempt(turn.map(\.word)) {
            case .success(let answers):
                for (waiting, answer) in zip(turn, answers) { waiting.answer.resume(returning: .success(answer)) }
            case .failure(.unavailable(let cause)):
                for waiting in turn { waiting.answer.resume(returning: .failure(.unavailable(cause: cause))) }
            case .failure(let error) where turn.count == 1:
                turn[0].answer.resume(returning: .failure(error))
            case .failure:
                for waiting in turn { waiting.answer.resume(returning: attempt([waiting.word]).map { $0[0] }) }
            }
            self.count(name, times: turn.count, statements: connection.takeStatements())
            // Behind the other jobs that wait.
            if gathering.goesOn() { self.takeTurn(gathering, name, write) }
        }
    }

    private static func attempt<Result>(
        _ body: (Connection) throws(StoreError) -> Result, on connection: Connection, repeatable: Bool
    ) -> Swift.Result<Result, StoreError> {
        var deadlocks = 0
        var losses = 0
        while true {
            do throws(StoreError) {
                try connection.prepareForJob()
                return .success(try body(connection))
            } catch {
                connection.abandonTransaction()
                switch error {
                case .deadlock where deadlocks < 10:
                    deadlocks += 1
                    usleep(UInt32.random(in: 1000...(5000 * UInt32(deadlocks))))
                case .unavailable where connection.wasLost && losses == 0 && (repeatable || !connection.hasWritten):
                    losses += 1
                    connection.disconnect()
                case .unavailable:
                    connection.disconnect()
                    return .failure(error)
                default: return .failure(error)
                }
            }
        }
    }

    private func count(_ function: String, times: Int = 1, statements: UInt64) {
        let name = String(function.prefix { $0 != "(" })
        counts.withLock {
            $0[name, default: 0] += UInt64(times)
            $0["statements", default: 0] += statements
        }
    }
}
