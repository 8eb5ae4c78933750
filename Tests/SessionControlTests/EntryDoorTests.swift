import SessionModel
import Testing

@testable import SessionControl

@Suite("Where passwords are checked") struct EntryDoorTests {
    @Test(
        "an IPv4 address is a place, and so is an IPv6 network of 64 bits",
        arguments: [
            ("192.0.2.7", "192.0.2.7"), ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "20:1:d:b8:0:1:0:2/64"),
            ("2001:db8:1:2::", "20:1:d:b8:0:1:0:2/64"), ("fe80::1%eth0", "fe:80:0:0:0:0:0:0/64"), ("", ""), ("x", "x"),
        ])
    func places(address: String, place: String) {
        #expect(EntryDoor.source(of: address) == place)
    }

    @Test("of an account one is checked at a time, and each is answered")
    func oneAtATime() async throws {
        // A clock that stands still: nobody comes too late, however slow the machine is.
        let door = EntryDoor(now: { 0 }, wait: { _ in await Task.yield() })
        let alice = try UserName("alice")
        let inside = Inside()
        let answers = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<6 {
                group.addTask {
                    try await door.isRight(account: alice, address: "192.0.2.\(number)") {
                        await inside.enter()
                        await Task.yield()
                        await inside.leave()
                        return true
                    }
                }
            }
            return try await group.reduce(into: [Bool]()) { $0.append($1) }
        }
        #expect(answers.count == 6)
        #expect(await inside.most == 1)
    }

    @Test("what cannot be checked is thrown, and keeps nobody waiting")
    func thrown() async throws {
        let door = EntryDoor()
        let alice = try UserName("alice")
        for _ in 0..<6 {
            await #expect(throws: SessionError.passwordsNotChecked(cause: "away")) {
                _ = try await door.isRight(account: alice, address: "192.0.2.1") {
                    throw SessionError.passwordsNotChecked(cause: "away")
                }
            }
        }
        #expect(try await door.isRight(account: alice, address: "192.0.2.1") { true })
    }
}

private actor Inside {
    private var count = 0
    private(set) var most = 0

    func enter() {
        count += 1
        most = max(most, count)
    }

    func leave() { count -= 1 }
}
