import HostProtocol
import SessionModel
import Testing

/// What a test of a real host begins with: the host, for `body` alone; nothing of it is left afterwards.
func withAgent(
    _ options: [String] = [], disk: String? = nil, bound: [String: String] = [:], _ body: (Agent) throws -> Void
) throws {
    let agent = try Agent(options, disk: disk, bound: bound)
    defer { agent.tearDown() }
    try body(agent)
}

/// A host as ``withAgent(_:disk:bound:_:)`` gives it, on which display `number` stands.
func withDisplay(_ number: Int, _ options: [String] = [], _ body: (Agent, DisplayNumber) throws -> Void) throws {
    let number = try DisplayNumber(number)
    try withAgent(options) { agent in
        try #require(try agent.make(number) == .displayReady)
        try body(agent, number)
    }
}

/// The host could not do it, for this kind of reason.
func expectFailure(
    _ reply: HostReply, _ kind: HostFailure.Kind, sourceLocation: SourceLocation = #_sourceLocation
) {
    guard case .failed(let failure) = reply else {
        Issue.record("\(reply), not \(kind)", sourceLocation: sourceLocation)
        return
    }
    #expect(failure.kind == kind, "\(failure.cause)", sourceLocation: sourceLocation)
}

/// Nothing of the display is left, as the host says.
@discardableResult
func expectEnded(_ reply: HostReply, sourceLocation: SourceLocation = #_sourceLocation) -> DisplayEnd? {
    guard case .displayEnded(let end) = reply else {
        Issue.record("\(reply), not displayEnded", sourceLocation: sourceLocation)
        return nil
    }
    return end
}
