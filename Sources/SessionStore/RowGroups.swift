/// Statements about many rows at once: one text for each of three sizes, so that it is prepared once and not for every
/// count.
extension Database {
    /// The most rows of one statement.
    static let groupSize = 100

    /// `members` in parts of 100 at most.
    static func parts<Member>(_ members: [Member]) -> [[Member]] {
        stride(from: 0, to: members.count, by: groupSize).map { start in
            Array(members[start..<min(start + groupSize, members.count)])
        }
    }

    /// Calls `body` for at most 100 `members` at a time, the last group filled up by repeating, with their placeholders.
    static func inGroups(
        _ members: [any Bindable], _ body: (String, [any Bindable]) throws(StoreError) -> Void
    ) throws(StoreError) {
        for part in parts(members) {
            let size = part.count == 1 ? 1 : part.count <= 10 ? 10 : groupSize
            try body(marks(size), part + Array(repeating: part[0], count: size - part.count))
        }
    }

    /// So many placeholders.
    static func marks(_ count: Int) -> String { Array(repeating: "?", count: count).joined(separator: ", ") }
}
