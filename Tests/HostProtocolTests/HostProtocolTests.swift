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

    @Test("a display that says nothing of it is a real one")
    func synthetic() throws {
        var order = DisplayOrder(
            display: try DisplayNumber(3), geometry: .usual, depth: 24, withGL: false, uid: 2_000_003,
            password: Secret("abcd1234"), key: .token(), synthetic: true)
        let line = String(decoding: try JSONEncoder().encode(order), as: UTF8.self)
        #expect(try JSONDecoder().decode(DisplayOrder.self, from: Data(line.utf8)) == order)
        let said = ",\"synthetic\":true"
        let older = line.replacing(said, with: "").replacing(said.dropFirst() + ",", with: "")
        #expect(!older.contains("synthetic"))
        order.synthetic = false
        #expect(try JSONDecoder().decode(DisplayOrder.self, from: Data(older.utf8)) == order)
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

    @Test("what a host tells survives its line; one that tells neither load nor template is understood")
    func hello() throws {
        let load = HostLoad(
            memoryAvailable: 900, memoryTotal: 2000, load: 0.25, cores: 2, diskAvailable: 12_000, template: "a1b2")
        let hello = HostHello(
            version: "1", bootID: "b", isolation: "container", dataSocket: "/run/maxwell/data.sock",
            inventory: [
                DisplayReport(display: try DisplayNumber(3), state: .ready, session: nil, template: "a1b2")
            ], template: "a1b2", load: load)
        let end = DisplayEnd(
            display: try DisplayNumber(3), session: SessionNumber(9), status: 3, wallSeconds: 1, cpuSeconds: 0.5,
            logTail: "no licence\n")
        for message in [HostMessage.hello(hello), .load(load), .applicationExited(end)] {
            #expect(try JSONDecoder().decode(HostMessage.self, from: JSONEncoder().encode(message)) == message)
        }
        let old = Data(
            #"{"hello":{"_0":{"version":"1","bootID":"b","isolation":"none","dataSocket":"/d","inventory":[]}}}"#.utf8)
        guard case .hello(let told) = try JSONDecoder().decode(HostMessage.self, from: old) else {
            Issue.record("not understood")
            return
        }
        #expect(told.load == nil && told.template == nil)
    }
}
