import Glibc
import HostProtocol
import SessionModel
import Testing

@testable import Isolation

@Suite("what wants to outlive its session", .serialized)
struct EndAttackTests {
    /// Forks twice out of its session, hears no signal, starts itself anew when a child dies, and holds on to what there is.
    private static let clingy = """
        import ctypes, os, signal, socket, sys, time
        libc = ctypes.CDLL(None)
        def deaf():
            for number in range(1, 65):
                try: signal.signal(number, signal.SIG_IGN)
                except (OSError, ValueError): pass
        def leave():
            if os.fork(): return True
            os.setsid()
            if os.fork(): os._exit(0)
            deaf()
            return False
        for number in range(8):
            if leave(): continue
            held = [socket.socket(socket.AF_UNIX), open('/dev/shm/held-%d' % number, 'w'), open('/tmp/held', 'w')]
            held[0].bind("\\0held-%d" % number)
            libc.shmget(0x1000 + number, 4096, 0o1600)
            while True:
                child = os.fork()
                if not child:
                    deaf(); time.sleep(1000)
                os.waitpid(child, 0)
        while len([n for n in os.listdir('/dev/shm') if n.startswith('held')]) < 8: time.sleep(0.01)
        time.sleep(0.1)
        print('there', flush=True)
        """

    @Test("nothing of it does: after the end, after the application's own, after a killed keeper or wrapper")
    func survivors() throws {
        try withDisplay(3271) { agent, number in
            func expectGone(_ inside: [ProcessIdentity], sourceLocation: SourceLocation = #_sourceLocation) {
                #expect(inside.count > 16, "\(inside.count)", sourceLocation: sourceLocation)
                #expect(inside.allSatisfy { !$0.isAlive }, sourceLocation: sourceLocation)
                #expect(agent.traces(of: number) == [], sourceLocation: sourceLocation)
                #expect(!(text(of: "/proc/net/unix") ?? "").contains("held-"), sourceLocation: sourceLocation)
            }
            var session: UInt64 = 6
            func begin(_ rest: String) throws -> [ProcessIdentity] {
                session += 1
                try agent.begin(try agent.python(Self.clingy + "\n" + rest), on: number, session: session)
                return Agent.sharingNamespaces(of: try #require(agent.left(of: number).first).pid)
            }
            var inside = try begin("deaf(); time.sleep(1000)")
            expectEnded(try agent.ask(.endDisplay(display: number, key: Agent.key, patienceSeconds: 0.1)))
            expectGone(inside)

            try #require(try agent.make(number) == .displayReady)
            inside = try begin("")
            _ = try agent.exit()
            expectEnded(try agent.ask(.endDisplay(display: number, key: Agent.key, patienceSeconds: 0.1)))
            expectGone(inside)

            try #require(try agent.make(number) == .displayReady)
            inside = try begin("deaf(); time.sleep(1000)")
            for pid in agent.processes("keep \(number)") { kill(pid, SIGKILL) }
            guard case .displayDied = try agent.event() else {
                Issue.record("the death was not told")
                return
            }
            expectGone(inside)

            try #require(try agent.make(number) == .displayReady)
            inside = try begin("deaf(); time.sleep(1000)")
            kill(try #require(agent.serverProcesses(of: number).first), SIGKILL)
            while agent.exists(number) { _ = try agent.event() }
            expectGone(inside)
        }
    }
}
