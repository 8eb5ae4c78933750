@testable import SessionStore

extension TestDatabase {
    /// How many rows `work` reads, by the server's counter of each way (`Handler_read_…`), and how many tables it has written
    /// to files on the way (`Created_tmp_disk_tables`); a constant is the question's own. For a store with one connection:
    /// the counters are a connection's.
    func rowsRead(by work: () async throws -> Void) async throws -> [String: Int] {
        let before = try await counters()
        try await work()
        return try await counters().merging(before) { $0 - $1 }
    }

    private func counters() async throws -> [String: Int] {
        try await store.run(repeatable: true) { connection throws(StoreError) in
            var counters: [String: Int] = [:]
            let named = "Variable_name LIKE 'Handler_read%' OR Variable_name = 'Created_tmp_disk_tables'"
            for row in try connection.query("SHOW SESSION STATUS WHERE " + named) {
                counters[row.text(0)] = row.integer(1)
            }
            return counters
        }
    }
}
