import FoundationEssentials
import HostProtocol
import SessionModel
import Testing

@Suite("the lines between controller and host")
struct HostProtocolTests {
    @Test("a request survives its line, its secrets included")
    func roundTrip() throws {
        let call = HostCall(
            id: 7,
            request: .makeDisplay(
                DisplayOrder(
                    display: try DisplayNumber(3), geometry: .usual, depth: 24, withGL: true, uid: 2_000_003,
                    password: Secret("abcd1234"), key: .token())))
        let line = try JSONEncoder().encode(call)
        #expect(!line.contains(10))
        #expect(try JSONDecoder().decode(HostCall.self, from: line) == call)
    }

    @Test("an end without a key means whatever has the number")
    func endWithoutKey() throws {
        let line = Data(#"{"id":1,"request":{"endDisplay":{"display":3,"patienceSeconds":5}}}"#.utf8)
        let call = try JSONDecoder().decode(HostCall.self, from: line)
        #expect(try call == HostCall(id: 1, request: .endDisplay(display: DisplayNumber(3), patienceSeconds: 5)))
    }

    @Test("a display's number out of range is no request")
    func malformed() {
        let line = Data(#"{"id":1,"request":{"screenshot":{"display":0}}}"#.utf8)
        #expect(throws: (any Error).self) { try JSONDecoder().decode(HostCall.self, from: line) }
    }
}
