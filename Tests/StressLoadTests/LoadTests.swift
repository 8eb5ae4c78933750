import Foundation
import SessionModel
import Stress
import Synchronization
import Testing

@testable import StressLoad

@Suite("a load on a real relay and a real display")
struct LoadTests {
    /// What a run told.
    struct Told {
        var all: [Observation] = []

        func count(_ isMeant: (Observation) -> Bool) -> Int { all.count(where: isMeant) }

        var failures: [Observation.Failure] {
            all.compactMap { observation in
                switch observation {
                case .viewerFailed(_, _, let failure), .refused(_, _, _, let failure): failure
                default: nil
                }
            }
        }

        func viewers(_ isMeant: (Observation) -> Observation.ViewerName?) -> Set<Observation.ViewerName> {
            Set(all.compactMap(isMeant))
        }

        var pictured: Set<Observation.ViewerName> {
            viewers { if case .picture(let name, _, _) = $0 { name } else { nil } }
        }

        var returned: Set<Observation.ViewerName> {
            viewers { if case .returned(let name, _, _) = $0 { name } else { nil } }
        }
    }

    private static func options() -> Load.Options {
        var options = Load.Options(socket: "/nowhere")
        options.samplePause = nil
        return options
    }

    /// Carries `plan` out off the tests' threads: it blocks.
    private static func carryOut(_ plan: StressPlan, _ words: RigWords, stopAfter: Double? = nil) async throws -> (
        Told, [SeenView]
    ) {
        let load = try Load(options(), words: words)
        return try await withCheckedThrowingContinuation { continuation in
            let thread = Thread {
                continuation.resume(
                    with: Result {
                        var told = Told()
                        try load.run(plan) { told.all.append($0) }
                        return (told, load.seen)
                    })
            }
            thread.start()
            if let stopAfter {
                Thread.detachNewThread {
                    usleep(UInt32(stopAfter * 1e6))
                    load.stop()
                }
            }
        }
    }

    private static func session(
        _ number: Int, at moment: Double = 0, hold: Double, application: String = "xterm",
        _ viewers: [StressPlan.Viewer]
    ) -> StressPlan.Session {
        .init(at: moment, user: number, application: application, hold: hold, viewers: viewers)
    }

    private static func viewer(
        _ behaviour: StressPlan.Behaviour, _ way: StressPlan.Way, seed: UInt64 = 1
    ) -> StressPlan.Viewer { .init(after: 0, way: way, behaviour: behaviour, seed: seed) }

    @Test("viewers come every way, have their picture, type and see it, and nothing fails")
    func everyWay() async throws {
        let rig = try RelayRig(displays: 3)
        defer { rig.stop() }
        let words = RigWords(port: rig.port)
        let sessions = StressPlan.Way.allCases.enumerated().map { index, way in
            Self.session(
                index + 1, at: Double(index) * 0.05, hold: 9,
                [
                    Self.viewer(.watcher, way), Self.viewer(.typist, way, seed: 5), Self.viewer(.slowReader, way),
                    Self.viewer(.watcher, way, seed: 9),
                ])
        }
        let (told, seen) = try await Self.carryOut(StressPlan(sessions: sessions, isSynthetic: false), words)
        #expect(told.failures.isEmpty, "\(told.failures)\n\(rig.log)")
        #expect(told.pictured.count == 12)
        #expect(told.count { if case .started = $0 { true } else { false } } == 3)
        #expect(told.count { if case .opened = $0 { true } else { false } } == 12)
        #expect(told.count { if case .left = $0 { true } else { false } } == 12)
        #expect(told.count { if case .picture(_, _, .some) = $0 { true } else { false } } == 3)
        let typists = told.viewers { if case .echo(let name, _, _) = $0 { name } else { nil } }
        #expect(typists.count == 3)
        #expect(words.account.stops.sorted() == [1, 2, 3])
        #expect(words.account.tickets == 4 && words.account.views == 12)
        #expect(seen.count == 12)
        #expect(seen.allSatisfy { $0.hadPicture && !$0.wasCut && $0.seconds > 3 && $0.seconds < 60 })
    }

    @Test("who vanishes is gone, who flaps comes back, who means harm is turned away, and a storm cuts everyone")
    func badManners() async throws {
        let rig = try RelayRig(displays: 4)
        defer { rig.stop() }
        let words = RigWords(port: rig.port)
        let sessions = (0..<4).map { index in
            Self.session(
                index + 1, hold: 16,
                [
                    Self.viewer(.vanishing, .webSocket, seed: UInt64(index)),
                    Self.viewer(.flapping, .connect, seed: UInt64(index)),
                    Self.viewer(.hostile, .connect, seed: UInt64(index)), Self.viewer(.watcher, .webSocket),
                ])
        }
        let (told, seen) = try await Self.carryOut(
            StressPlan(sessions: sessions, storms: [12], isSynthetic: false), words)
        #expect(told.failures.isEmpty, "\(told.failures)\n\(rig.log)")
        #expect(
            told.pictured == Set((0..<4).flatMap { session in [0, 1, 3].map { .init(session: session, viewer: $0) } }))
        #expect(
            told.returned == Set((0..<4).flatMap { session in [1, 3].map { .init(session: session, viewer: $0) } }))
        let harmful = told.viewers { if case .turnedAway(let name, _) = $0 { name } else { nil } }
        #expect(harmful == Set((0..<4).map { .init(session: $0, viewer: 2) }))
        #expect(seen.count { $0.wasCut } >= 12)
        #expect(words.account.stops.count == 4)
    }

    @Test("hundreds of viewers in one loop, and all of them come back from a storm")
    func hundreds() async throws {
        let rig = try RelayRig(displays: 50, isPlayed: true)
        defer { rig.stop() }
        let words = RigWords(port: rig.port)
        let sessions = (0..<50).map { index -> StressPlan.Session in
            let seed = UInt64(index)
            let viewers = [
                Self.viewer(.watcher, .webSocket), Self.viewer(.typist, .connect, seed: seed),
                Self.viewer(.typist, .webSocket, seed: seed), Self.viewer(.slowReader, .webSocket),
                Self.viewer(.watcher, .connect), Self.viewer(.hostile, .connect, seed: seed),
            ]
            return Self.session(index + 1, at: Double(index) * 0.02, hold: 10, viewers)
        }
        let (told, seen) = try await Self.carryOut(
            StressPlan(sessions: sessions, storms: [6], isSynthetic: true), words)
        #expect(told.failures.isEmpty, "\(Set(told.failures.map { $0.kind }))")
        var everyone: Set<Observation.ViewerName> = []
        for session in 0..<50 { for viewer in 0..<5 { everyone.insert(.init(session: session, viewer: viewer)) } }
        #expect(told.pictured == everyone)
        #expect(told.returned == everyone)
        #expect(told.viewers { if case .echo(let name, _, _) = $0 { name } else { nil } }.count == 100)
        #expect(seen.count == 500 && seen.allSatisfy { $0.hadPicture })
        #expect(words.account.stops.count == 50)
    }

    @Test("a typist whose keys change nothing is told, when there was time for it")
    func deafDisplay() async throws {
        let rig = try RelayRig(displays: 1, isPlayed: true, isDeaf: true)
        defer { rig.stop() }
        let plan = StressPlan(
            sessions: [Self.session(1, hold: 15, [Self.viewer(.typist, .connect)])], isSynthetic: true)
        let (told, _) = try await Self.carryOut(plan, RigWords(port: rig.port))
        #expect(told.failures.map { $0.kind } == ["viewer: no echo"])
        #expect(told.pictured.count == 1)
    }

    @Test("a start that fails is told once, and no word is said for it any more")
    func failedStart() async throws {
        let words = RigWords(port: 1)
        let plan = StressPlan(
            sessions: [Self.session(1, hold: 1, application: "none", [Self.viewer(.watcher, .connect)])],
            isSynthetic: false)
        let (told, _) = try await Self.carryOut(plan, words)
        #expect(told.failures == [.init("start: There is no application …", "There is no application 1.")])
        #expect(words.account.views == 0 && words.account.stops.isEmpty)
    }

    @Test("a gateway that nobody serves is told as a failure of its viewers, and sessions are stopped all the same")
    func nobodyServes() async throws {
        let words = RigWords(port: 1)
        let plan = StressPlan(
            sessions: [Self.session(1, hold: 2, [Self.viewer(.watcher, .connect)])], isSynthetic: false)
        let (told, seen) = try await Self.carryOut(plan, words)
        #expect(told.failures.first?.kind == "viewer: Connection refused")
        #expect(told.pictured.isEmpty && seen.isEmpty)
        #expect(words.account.stops == [1])
    }

    @Test("one that means harm and never came to it was not turned away")
    func nobodyToHarm() async throws {
        let words = RigWords(port: 1)
        let viewers = (0..<9).map { Self.viewer(.hostile, .connect, seed: UInt64($0)) }
        let (told, _) = try await Self.carryOut(
            StressPlan(sessions: [Self.session(1, hold: 2, viewers)], isSynthetic: false), words)
        #expect(told.failures.isEmpty)
        #expect(told.count { if case .turnedAway = $0 { true } else { false } } == 0)
        #expect(words.account.views == 9)
    }

    @Test("a stop that may succeed in a moment is said again, and told once")
    func stopAgain() async throws {
        let passing = WordFailure(kind: "closed", example: "closed", isPassing: true)
        let words = RigWords(port: 1, stopFailures: [passing, passing])
        let plan = StressPlan(sessions: [Self.session(1, hold: 0, [])], isSynthetic: false)
        let (told, _) = try await Self.carryOut(plan, words)
        #expect(told.failures == [.init("stop: closed", "closed")])
        #expect(told.count { if case .stopped = $0 { true } else { false } } == 1)
        #expect(words.account.stops == [1])
    }

    @Test("a session that is gone when it should be stopped is told as a failure, and as gone")
    func stopOfNothing() async throws {
        let unknown = WordFailure(kind: "no session", example: "no session 1", isPassing: false)
        let words = RigWords(port: 1, stopFailures: [unknown])
        let plan = StressPlan(sessions: [Self.session(1, hold: 0, [])], isSynthetic: false)
        let (told, _) = try await Self.carryOut(plan, words)
        #expect(told.failures == [.init("stop: no session", "no session 1")])
        #expect(told.count { if case .gone = $0 { true } else { false } } == 1)
        #expect(told.count { if case .stopped = $0 { true } else { false } } == 0)
    }

    @Test("a thousand starts at once are asked for so many at a time, and each is answered")
    func manyStarts() async throws {
        let words = RigWords(port: 1, delay: 0.01)
        let plan = StressPlan(sessions: (1...1000).map { Self.session($0, hold: 0, []) }, isSynthetic: true)
        let (told, _) = try await Self.carryOut(plan, words)
        #expect(told.failures.isEmpty)
        #expect(told.count { if case .started = $0 { true } else { false } } == 1000)
        #expect(words.account.stops.count == 1000)
        #expect((2...200).contains(words.account.mostRunning))
    }

    @Test("a run that is stopped begins nothing more, and what was started is stopped")
    func stopped() async throws {
        let words = RigWords(port: 1, delay: 0.3)
        // More than can be asked for at once: the rest has not been said when the run is stopped.
        var sessions = (1...400).map { Self.session($0, hold: 600, []) }
        sessions += (401...410).map { Self.session($0, at: 600, hold: 600, []) }
        let (told, _) = try await Self.carryOut(
            StressPlan(sessions: sessions, isSynthetic: false), words, stopAfter: 0.1)
        #expect(words.account.starts < 401)
        #expect(words.account.stops.count == words.account.starts)
        #expect(told.failures.isEmpty)
    }
}
