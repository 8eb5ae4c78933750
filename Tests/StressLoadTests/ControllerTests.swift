import ControlProtocol
import Foundation
import SessionModel
import Stress
import Testing

@testable import StressLoad

@Suite("a load on a control socket")
struct ControllerTests {
    private static func row(_ session: UInt64, _ user: String, _ seconds: Double) -> StressView {
        StressView(session: SessionNumber(session), user: user, seconds: seconds, viewtime: seconds)
    }

    private static func plan(_ sessions: Int, isSynthetic: Bool, viewers: [StressPlan.Viewer] = []) -> StressPlan {
        StressPlan(
            sessions: (1...sessions).map {
                .init(at: 0, user: $0, application: "xterm", hold: viewers.isEmpty ? 0 : 4, viewers: viewers)
            }, isSynthetic: isSynthetic)
    }

    private static func carryOut(_ plan: StressPlan, _ options: Load.Options) async throws -> ([Observation], Load) {
        let load = try Load(options)
        let told: [Observation] = try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        var told: [Observation] = []
                        try load.run(plan) { told.append($0) }
                        return told
                    })
            }
        }
        return (told, load)
    }

    @Test("one run goes on at a gateway at a time, and at another one another")
    func sole() throws {
        let place = "/tmp/\(Secret.token().exposed)"
        try SoleRun.begin(at: place)
        #expect(throws: LoadError.anotherRun) { try SoleRun.begin(at: place) }
        try SoleRun.begin(at: place + "/s")
    }

    @Test("starts are marked, viewers look, samples are taken, and the ledger is held against what was seen")
    func whole() async throws {
        let rig = try RelayRig(displays: 2)
        defer { rig.stop() }
        let controller = try ScriptedController(port: rig.port)
        defer { controller.stop() }
        let viewers = [
            StressPlan.Viewer(after: 0, way: .webSocket, behaviour: .watcher, seed: 1),
            StressPlan.Viewer(after: 0.1, way: .connect, behaviour: .watcher, seed: 2),
        ]
        let (told, load) = try await Self.carryOut(
            Self.plan(2, isSynthetic: false, viewers: viewers), Load.Options(socket: controller.path))
        let said = controller.said
        #expect(said.starts.map(\.stress) == [.real, .real])
        #expect(Set(said.starts.map(\.user.text)) == ["stress-0001", "stress-0002"])
        #expect(said.views.count == 4 && said.stops.sorted() == [1, 2])
        let failures = told.compactMap { if case .viewerFailed(_, _, let failure) = $0 { failure } else { nil } }
        #expect(failures.isEmpty, "\(failures)\n\(rig.log)")
        #expect(told.count { if case .picture = $0 { true } else { false } } == 4)
        let samples = told.compactMap { if case .sampled(let sample) = $0 { sample } else { nil } }
        let sample = try #require(samples.last)
        #expect(samples.count >= 3)
        #expect(sample.hosts == ["exec1": .init(memoryAvailable: 4096, load: 0.5, ready: 3, used: 3)])
        #expect(sample.counters == ["database statements": 42, "stress.running": 2, "stress.ended": 9])
        #expect(sample.states == ["running": 2])
        #expect(sample.parts["relay"]?.processes ?? 0 >= 1)
        // The ledger has what was seen, and another run's rows, in pages.
        let seen = load.seen
        #expect(seen.count == 4)
        controller.rows.withLock { rows in
            rows = seen.map { Self.row($0.session, $0.user, $0.seconds) }.sorted { $0.session < $1.session }
            rows += (100..<700).map { Self.row($0, "stress-0007", 1) }
        }
        let account = StressAccount(socket: controller.path)
        let check = try load.ledgerCheck(account)
        #expect(check.mismatches.isEmpty && check.views == 4 && check.rows == 4)
        #expect(controller.said.pages >= 2)
        #expect(try account.rows().count == 604)
    }

    @Test("synthetic starts say so")
    func synthetic() async throws {
        let controller = try ScriptedController(port: 1)
        defer { controller.stop() }
        var options = Load.Options(socket: controller.path)
        options.samplePause = nil
        _ = try await Self.carryOut(Self.plan(20, isSynthetic: true), options)
        #expect(controller.said.starts.count == 20)
        #expect(controller.said.starts.allSatisfy { $0.stress == .synthetic })
        #expect(controller.said.stops.count == 20)
    }

    @Test("a session whose start was granted unheard is found and stopped")
    func lost() async throws {
        let controller = try ScriptedController(port: 1)
        defer { controller.stop() }
        controller.unheard.withLock { $0 = ["stress-0002"] }
        var options = Load.Options(socket: controller.path)
        options.samplePause = nil
        let (told, _) = try await Self.carryOut(Self.plan(3, isSynthetic: true), options)
        #expect(controller.said.stops.sorted() == [1, 2, 3])
        #expect(told.count { if case .refused = $0 { true } else { false } } == 1)
    }

    @Test("cleaning is asked for until nothing is left")
    func cleaning() throws {
        let controller = try ScriptedController(port: 1)
        defer { controller.stop() }
        let account = StressAccount(socket: controller.path)
        #expect(try account.leftovers().map(\.text) == ["1 session of load tests is ending"])
        let cleaned = try account.clean()
        #expect(cleaned.sessions == 6 && cleaned.rows == 20 && cleaned.left.isEmpty)
        #expect(controller.said.cleanings == 2)
    }

    @Test("what cannot be removed is told after the last try")
    func stuck() throws {
        let controller = try ScriptedController(port: 1)
        defer { controller.stop() }
        controller.isStuck.withLock { $0 = true }
        let cleaned = try StressAccount(socket: controller.path).clean(tries: 3)
        #expect(cleaned.left.map(\.text) == ["1 session of load tests is ending"])
        #expect(controller.said.cleanings == 3)
    }

    @Test("a controller that is not there is one sentence")
    func nobody() {
        let account = StressAccount(socket: "/tmp/no-such-socket")
        #expect { try account.look() } throws: { $0 is any UserFacingError }
    }
}
