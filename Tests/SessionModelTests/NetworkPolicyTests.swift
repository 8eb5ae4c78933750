import Foundation
import SessionModel
import Testing

@Suite("where an application may connect to")
struct NetworkPolicyTests {
    @Test(
        "a target is read as it is written",
        arguments: ["hub:443", "hub.example.org:1", "10.1.2.3:830", "[2001:db8::1]:53/udp", "a_b-c:65535"])
    func target(_ text: String) throws {
        let target = try #require(NetworkTarget(text))
        #expect(target.description == text)
        let policy = NetworkPolicy.allow([target])
        #expect(try JSONDecoder().decode(NetworkPolicy.self, from: JSONEncoder().encode(policy)) == policy)
    }

    @Test(
        "what is none is refused, in a message too",
        arguments: [
            "hub", "hub:", "hub:0", "hub:65536", ":443", "-hub:443", "hub;x:443", "hub:443/sctp", "[10.0.0.1]:443",
            "2001:db8::1:443", "hub name:443", ".hub:443", "hub:+443", "hub:443\n",
        ])
    func malformed(_ text: String) throws {
        #expect(NetworkTarget(text) == nil)
        let line = try JSONEncoder().encode(["host": text])
        #expect(throws: (any Error).self) { try JSONDecoder().decode([NetworkTarget].self, from: line) }
        let list = try JSONEncoder().encode([text])
        #expect(throws: (any Error).self) { try JSONDecoder().decode([NetworkTarget].self, from: list) }
    }
}
