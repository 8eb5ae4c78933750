import SessionModel
import Testing

@Suite("who is a load test's") struct StressMarkTests {
    @Test("stress-0001 to stress-9999 are", arguments: [1, 42, 999, 1000, 9999])
    func users(number: Int) throws {
        let user = try UserName.stress(number)
        #expect(user.isStress)
        #expect(try UserName(user.text) == user)
    }

    @Test("their names have four digits") func digits() throws {
        #expect(try UserName.stress(7).text == "stress-0007")
        #expect(try UserName.stress(1234).text == "stress-1234")
    }

    @Test("there are no others", arguments: [0, -1, 10_000, .min, .max])
    func noUser(number: Int) {
        #expect(throws: MalformedName.self) { try UserName.stress(number) }
    }

    @Test(
        "a name that is nearly one of theirs is a person's",
        arguments: [
            "stress", "stress-", "stress-1", "stress-001", "stress-0000", "stress-00001", "stress-000a", "Stress-0001",
            "stress-+123", "stress_0001", "xstress-0001", "stress-0001x", "stress-12.4", "alice",
        ])
    func people(name: String) { #expect(!UserName(known: name).isStress) }
}
