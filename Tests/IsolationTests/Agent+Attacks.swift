import Glibc
import HostProtocol
import SessionModel
import Testing

@testable import Isolation

extension Agent {
    /// What `command` prints as alice's application on a display, until it ends.
    func said(
        _ command: String, on number: DisplayNumber, session: UInt64 = 7,
        sourceLocation: SourceLocation = #_sourceLocation, _ change: (inout ApplicationOrder) -> Void = { _ in }
    ) throws -> String {
        var order = try order(command, on: number, session: session, geometry: .usual)
        change(&order)
        let reply = try ask(.startApplication(order))
        #expect(reply == .applicationStarted, sourceLocation: sourceLocation)
        guard reply == .applicationStarted else { return "" }
        _ = try exit()
        return file("\(session)/app.log")
    }

    /// Starts `command` as alice's application, and waits until it has printed a line `there`.
    func begin(
        _ command: String, on number: DisplayNumber, session: UInt64 = 7,
        _ change: (inout ApplicationOrder) -> Void = { _ in }
    ) throws {
        var order = try order(command, on: number, session: session, geometry: .usual)
        change(&order)
        try #require(try ask(.startApplication(order)) == .applicationStarted)
        while !file("\(session)/app.log").split(separator: "\n").contains("there") { usleep(2000) }
    }

    /// The words that run `text` with Python, from a file in alice's home.
    func python(_ text: String) throws -> String {
        let name = "\(home)/attack-\(Secret.token().exposed.prefix(8)).py"
        try writeFile(name, Array(text.utf8), mode: 0o644)
        return "python3 \(name)"
    }

    /// Makes an order the user bob's, whose home is made beside alice's.
    func makeBobs(_ order: inout ApplicationOrder) throws {
        let place = home.dropLast(5) + "bob"
        mkdir(String(place), 0o700)
        chown(String(place), 10002, 10002)
        order.account = Account(
            name: try UserName("bob"), uid: 10002, gid: 10002, home: String(place), shell: "/bin/sh",
            groups: [.init(name: "bob", gid: 10002)])
    }
}

/// A host with alice's session on one display, which goes on, and another display for who attacks it.
func withVictim(
    _ first: Int, _ command: String, _ body: (Agent, DisplayNumber, DisplayNumber) throws -> Void
) throws {
    try withDisplay(first) { agent, victim in
        let attacker = try DisplayNumber(first + 1)
        try #require(try agent.make(attacker) == .displayReady)
        try agent.begin(command, on: victim, session: 8)
        try body(agent, victim, attacker)
        #expect(try agent.account(victim).status == nil, "the victim has ended")
        expectEnded(try agent.end(attacker))
        expectEnded(try agent.end(victim))
        #expect(agent.traces(of: attacker) == [] && agent.traces(of: victim) == [])
    }
}
