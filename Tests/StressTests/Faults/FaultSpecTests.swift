import SessionModel
import Testing

@testable import Stress

@Suite("the words of --faults")
struct FaultSpecTests {
    @Test("a fault by its name happens once, and lasts as it usually does")
    func plain() throws {
        let spec = try FaultSpec("kill:controller,stop:database")
        #expect(spec.items == [.init(.killController), .init(.stopDatabase, span: 20)])
        #expect(spec.every == nil)
    }

    @Test("spans, moments, counts and the time between faults are read")
    func details() throws {
        let spec = try FaultSpec("stop:database:5s@30s@1.5m,kill:agent*3,every=30s,cut:host:500ms")
        #expect(
            spec.items == [
                .init(.stopDatabase, span: 5, .at([30, 90])), .init(.killAgent, .count(3)),
                .init(.cutHost, span: 0.5),
            ])
        #expect(spec.every == 30)
    }

    @Test("all is every fault there is, once")
    func all() throws {
        #expect(try FaultSpec("all").items.map(\.fault) == Fault.allCases)
        for fault in Fault.allCases { #expect(try FaultSpec(fault.rawValue).items.map(\.fault) == [fault]) }
    }

    @Test(
        "what is no fault, or has no time, is refused with a sentence",
        arguments: [
            "", "kill", "kill:", "kill:everything", "kill:relay:20s", "stop:database:", "stop:database:20",
            "stop:database:0s", "stop:database:20s:20s", "kill:relay@", "kill:relay@1", "kill:relay@1s@",
            "kill:relay*0",
            "kill:relay*", "kill:relay*2@3s", "kill:relay@3s*2", "kill:relay,", "every=30s", "all,every=",
            "all,every=0s",
            "all,every=30s,every=20s", "kill:relay@-1s", "kill:relay@1e3s", "kill:relay@.s", "kill:relay@1..2s",
            "kill:relay@99999999h", "kill:relay@١s", "kill:relay*99999999999999999999", "all,all:1s",
        ])
    func refused(text: String) {
        let error = #expect(throws: FaultSpecError.self) { try FaultSpec(text) }
        #expect(error?.userMessage.hasSuffix(".") == true)
        #expect(error?.exitStatus == .usage)
    }
}

@Suite("when faults happen")
struct FaultScheduleTests {
    @Test("the same words and seed make the same schedule, another seed another one")
    func seeded() throws {
        let spec = try FaultSpec("all,every=30s")
        let schedule = FaultSchedule(spec, lasting: 1800, seed: 7)
        #expect(schedule == FaultSchedule(spec, lasting: 1800, seed: 7))
        #expect(schedule != FaultSchedule(spec, lasting: 1800, seed: 8))
    }

    @Test("with a time between them faults take turns, in the order of their moments, inside the run")
    func turns() throws {
        let schedule = FaultSchedule(try FaultSpec("all,every=30s"), lasting: 1800, seed: 1)
        #expect(schedule.entries.count == 51)
        #expect(schedule.entries == schedule.entries.sorted { $0.at < $1.at })
        #expect(schedule.entries.allSatisfy { (90...1620).contains($0.at) })
        let first = schedule.entries.prefix(Fault.allCases.count).map(\.fault)
        #expect(Set(first) == Set(Fault.allCases))
        #expect(schedule.entries.allSatisfy { $0.span == $0.fault.usualSpan })
    }

    @Test("moments that are said are kept; a count without them is placed by the seed")
    func moments() throws {
        let schedule = FaultSchedule(try FaultSpec("kill:relay@5s@700s,kill:web*4"), lasting: 100, seed: 3)
        #expect(schedule.entries.filter { $0.fault == .killRelay }.map(\.at) == [5, 700])
        let placed = schedule.entries.filter { $0.fault == .killWeb }.map(\.at)
        #expect(placed.count == 4 && placed.allSatisfy { (5...90).contains($0) })
    }

    @Test("a run of no length has its faults at its beginning", arguments: [0, 0.001])
    func short(length: Double) throws {
        let schedule = FaultSchedule(try FaultSpec("all"), lasting: length, seed: 3)
        #expect(schedule.entries.count == Fault.allCases.count)
        #expect(FaultSchedule(try FaultSpec("all,every=1s"), lasting: length, seed: 3).entries.count <= 1)
    }
}
