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

    private func count(_ function: String, statements: UInt64) {
        let name = String(function.prefix { $0 != "(" })
        counts.withLock {
            $0[name, default: 0] += 1
            $0["statements", default: 0] += statements
        }
    }
}
