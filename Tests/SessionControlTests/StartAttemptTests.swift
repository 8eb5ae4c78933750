import ControlProtocol
import HostAccess
import HostProtocol
import SessionModel
import Testing

@testable import SessionControl

@Suite("What a start keeps of what was tried") struct StartAttemptTests {
    private static let hosts = [HostName(known: "exec1"), HostName(known: "exec2")]
    private static let xterm = ApplicationName(known: "xterm")

    private func attempt() -> StartAttempt {
        let account = Account(
            name: UserName(known: "alice"), uid: 10001, gid: 10001, home: "/home/alice", shell: "/bin/sh", groups: [])
        return StartAttempt(
            StartOrder(user: account.name, address: "", application: Self.xterm),
            Application(name: Self.xterm, title: "xterm", command: "xterm"),
            Lodging(account: account, isLent: false, homeIsOurs: false))
    }

    @Test("without a turn on any host it was crowded out, and each host's reason is kept")
    func crowded() {
        var attempt = attempt()
        attempt.noteTurn(on: Self.hosts[0])
        #expect(attempt.lastComplaint as? SessionError == .noHost(.everythingFull, Self.xterm))
        for host in Self.hosts { attempt.noteNoTurn(on: host, "busy") }
        #expect(attempt.lastComplaint as? SessionError == .crowded)
        #expect(attempt.generalFailure == "exec1: busy; exec2: busy")
        #expect(attempt.isGateways(SessionError.crowded))
    }

    @Test("without a turn on one host, and with a failure on the other, the failure is what its user hears")
    func mixed() {
        var attempt = attempt()
        attempt.note("new display", on: Self.hosts[0], nil, failed: .late(Self.hosts[0], request: "makeDisplay"))
        attempt.noteNoTurn(on: Self.hosts[1], "busy")
        #expect(attempt.lastComplaint as? HostAccessError == .late(Self.hosts[0], request: "makeDisplay"))
        #expect(attempt.generalFailure.hasSuffix("; exec2: busy"))
        #expect(attempt.failures == [.late(Self.hosts[0], request: "makeDisplay")])
    }
}
