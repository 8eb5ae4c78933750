import SessionModel
import SessionStore
import Testing

@Suite("Duties in the tables") struct DutyTests {
    @Test("of many who go round at once, one does")
    func round() async throws {
        let database = try await TestDatabase.withHost()
        let other = database.anotherController()
        #expect(try await database.store.duty("x") == DutyRecord(holder: "", round: 0, restedFor: nil))
        let won = try await withThrowingTaskGroup(of: String?.self) { group in
            for index in 0..<20 {
                let store = index % 2 == 0 ? database.store : other
                group.addTask { try await store.goRound("x", as: "c\(index)", after: 0) ? "c\(index)" : nil }
            }
            return try await group.reduce(into: [String]()) { $0 += $1.map { [$0] } ?? [] }
        }
        #expect(won.count == 1)
        #expect(try await database.store.duty("x") == DutyRecord(holder: won.joined(), round: 1, restedFor: nil))
        #expect(try await other.goRound("x", as: won.joined(), after: 0) == false)
        #expect(try await other.goRound("x", as: won.joined(), after: 1))
    }

    @Test("what a holder puts down is nobody's, and tells since when")
    func putDown() async throws {
        let database = try await TestDatabase.withHost()
        for name in ["x", "y"] { #expect(try await database.store.goRound(name, as: "me", after: 0)) }
        #expect(try await database.store.goRound("z", as: "other", after: 0))
        try await database.store.putDownDuties(of: "me")
        for name in ["x", "y"] {
            let duty = try await database.store.duty(name)
            #expect(duty.holder.isEmpty && duty.restedFor.map { (0..<60).contains($0) } == true)
        }
        #expect(try await database.store.duty("z").holder == "other")
    }
}
