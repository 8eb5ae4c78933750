/// What `work` gives for each of `members`, in the order in which it is done; at most `most` at a time.
func results<Member: Sendable, Value: Sendable>(
    of members: [Member], atMost most: Int, _ work: @escaping @Sendable (Member) async -> Value
) async -> [Value] {
    await withTaskGroup(of: Value.self) { group in
        var rest = members[...]
        var values: [Value] = []
        for _ in 0..<most { if let member = rest.popFirst() { group.addTask { await work(member) } } }
        for await value in group {
            values.append(value)
            if let member = rest.popFirst() { group.addTask { await work(member) } }
        }
        return values
    }
}
