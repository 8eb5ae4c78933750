import COpenSSL
import Glibc

/// What is measured.
enum Test: String, CaseIterable {
    case verify, idle, bulk1, bulk16, mix, echo, full, resumed
}

/// One figure of one run.
struct Figure {
    let name: String
    let value: Double
}

/// The measurements, each of one contestant once.
struct Measure {
    let engine: Engine
    let contestant: Contestant
    let server: Server
    /// Shorter runs.
    let isQuick: Bool

    /// Every test's figures; none when the contestant has none there.
    func run(_ test: Test) throws(BenchError) -> [Figure] {
        do throws(BenchError) {
            switch test {
            case .verify: return try verify()
            case .idle: return try idle()
            case .bulk1: return try bulk(1, megabytes: isQuick ? 300 : 700)
            case .bulk16: return try bulk(16, megabytes: isQuick ? 300 : 700)
            case .mix: return try mix()
            case .echo: return try echo()
            case .full: return try handshakes(resumed: false)
            case .resumed: return try handshakes(resumed: true)
            }
        } catch {
            throw BenchError("\(contestant.name), \(test.rawValue): \(error)")
        }
    }

    /// How many come at a time: websockify lets viewers wait for 3 s, and then goes.
    private var crowd: Int { contestant.name == "websockify" ? 4 : 32 }
    /// How slow it is allowed to be: a process for each viewer takes its time.
    private var patience: Double { contestant.name == "websockify" ? 120 : 40 }

    private func client(_ number: UInt32, _ first: [UInt8], resume: OpaquePointer? = nil) throws(BenchError) -> Client {
        try Client(
            engine, number: number, way: contestant.way, port: contestant.port, token: contestant.token, resume: resume,
            first: first)
    }

    /// `count` viewers that gave `work` as their order, each of which has been answered when it echoes; a ``crowd``
    /// at a time is on its way.
    private func viewers(_ count: Int, from start: Int = 0, _ work: Order.Work) throws(BenchError) -> [Client] {
        var all: [Client] = []
        let greeting = work == .echo ? Measure.keys(8) : []
        let isThere = { (one: Client) in one.isOpen && one.received >= greeting.count }
        var waiting: [Client] = []
        while all.count < count {
            while all.count < count, waiting.count < crowd {
                let number = UInt32(start + all.count)
                let one = try client(number, Order(work, client: number).bytes + greeting)
                all.append(one)
                waiting.append(one)
            }
            try engine.run("viewers come in", seconds: patience) {
                waiting.removeAll(where: isThere)
                return waiting.count <= crowd / 2
            }
        }
        try engine.run("viewers are in", seconds: patience) { waiting.allSatisfy(isThere) }
        if work == .updates {
            let engine = engine
            try engine.run("programs heard their orders", seconds: patience) { engine.updaters.count >= count }
        }
        return all
    }

    private func leave(_ all: [Client]) throws(BenchError) {
        for one in all { one.close() }
        engine.run(seconds: 0.3)
    }

    /// RFB KeyEvents of `count` bytes in all.
    private static func keys(_ count: Int) -> [UInt8] {
        Array((0..<count).map { UInt8($0 % 8 == 0 ? 4 : $0 % 8 < 4 ? 0 : 97) })
    }

    /// Every byte of both directions, at once, by four viewers.
    private func verify() throws(BenchError) -> [Figure] {
        let blocks = isQuick ? 100 : contestant.name == "websockify" ? 200 : 1000
        let size = blocks * Order.block
        let (engine, viewers) = (engine, 4)
        engine.verifiedUp = 0
        var verifiedDown = 0
        var all: [Client] = []
        for number in 0..<viewers {
            let order = Order(.verify, client: UInt32(number), amount: UInt32(blocks))
            let one = try client(UInt32(number), order.bytes)
            var heard = 0
            one.onData = { bytes, count in
                if !engine.down.matches(bytes, count, at: heard) {
                    engine.faults.append("a viewer heard wrong bytes after \(heard)")
                }
                heard += count
                if heard == size { verifiedDown += 1 }
            }
            var said = 0
            one.onSent = { [unowned one] in
                guard one.isOpen, said < size else { return }
                let count = min(40_000, size - said)
                let piece = Array(UnsafeBufferPointer(start: engine.up.at(said), count: count))
                said += count
                one.send(piece)
            }
            all.append(one)
        }
        try engine.run("the opening's end", seconds: patience) { all.allSatisfy(\.isOpen) }
        for one in all { one.onSent?() }
        try engine.run("every byte arrives", seconds: patience) {
            verifiedDown == viewers && engine.verifiedUp == viewers
        }
        try leave(all)
        return [Figure(name: "verified MB", value: Double(2 * viewers * size) / 1e6)]
    }

    /// Memory of viewers that are there and have been served, at 1,000 and at 9,900 of them; websockify, a process each,
    /// has 200.
    private func idle() throws(BenchError) -> [Figure] {
        try server.restart(contestant.port)
        let steps = contestant.name == "websockify" ? [200] : isQuick ? [1000] : [1000, 9900]
        try leave(try viewers(1, .echo))
        let before = ProcessFigures.proportionalShare(server.identifier)
        var all: [Client] = []
        var figures: [Figure] = []
        for step in steps {
            do throws(BenchError) {
                all += try viewers(step - all.count, from: all.count, .echo)
            } catch {
                // Others may have less room than we; what was measured counts.
                guard step > 1000, !contestant.name.hasPrefix("relay") else { throw error }
                complain("\(contestant.name) has no room for \(step) viewers: \(error)")
                engine.abandon()
                break
            }
            engine.run(seconds: 1)
            let now = ProcessFigures.proportionalShare(server.identifier)
            figures.append(
                Figure(name: step > 1000 ? "KiB at 9,900" : "KiB at 1,000", value: (now - before) / Double(step)))
        }
        for one in all { one.close() }
        try server.restart(contestant.port)
        engine.run(seconds: 0.2)
        return figures
    }

    /// Streams from programs to viewers, as fast as they go.
    private func bulk(_ streams: Int, megabytes: Int) throws(BenchError) -> [Figure] {
        let share = contestant.name == "websockify" ? max(megabytes / 4, 50) : megabytes
        let blocks = share * 1_000_000 / Order.block / streams
        let engine = engine
        // A record has at most 16,384 bytes, and 22 of its own in TLS 1.3 (RFC 8446 §5.2): nobody brings all with less.
        let least = blocks * Order.block / 16_384 * 16_406
        var ended = 0
        var all: [Client] = []
        for number in 0..<streams {
            let one = try client(UInt32(number), Order(.bulk, client: UInt32(number), amount: UInt32(blocks)).bytes)
            one.onSent = { [unowned one] in if one.isOpen { one.discard(until: least) } }
            one.onData = { [unowned one] _, _ in one.discard(until: least - one.received) }
            one.onEnd = { ended += 1 }
            all.append(one)
        }
        let cpu = ProcessFigures.cpu(server.identifier)
        let start = monotonicSeconds()
        try engine.run("the streams' end", seconds: patience) { ended == streams }
        let took = monotonicSeconds() - start
        let used = ProcessFigures.cpu(server.identifier) - cpu
        let bytes = streams * blocks * Order.block
        guard all.allSatisfy({ $0.discarded + $0.received >= least }) else {
            throw BenchError("fewer bytes came than were sent")
        }
        engine.run(seconds: 0.1)
        return [
            Figure(name: "CPU s/GB", value: used / Double(bytes) * 1e9),
            Figure(name: "MB/s", value: Double(bytes) / took / 1e6),
        ]
    }

    /// 200 viewers, each of whom gets 30 updates of 20,000 bytes a second.
    private func mix() throws(BenchError) -> [Figure] {
        let (count, rate) = (200, 30.0)
        let all = try viewers(count, .updates)
        var latencies: [Double] = []
        var isMeasured = false
        for one in all {
            guard let program = engine.updaters[one.number] else { throw BenchError("a program is gone") }
            var complete = 0
            one.onData = { [unowned one] _, _ in
                while one.received >= (complete + 1) * Program.update, complete < program.sentAt.count {
                    if isMeasured { latencies.append(Double(monotonicNanoseconds() - program.sentAt[complete]) / 1e3) }
                    complete += 1
                }
            }
        }
        let figures = try paced(count, rate, measured: { isMeasured = $0 }, latencies: { latencies }) { number in
            _ = engine.updaters[UInt32(number)]?.sendUpdate()
        }
        for one in all { one.onData = nil }
        try leave(all)
        return figures
    }

    /// 500 viewers, each of whom says 64 bytes ten times a second and hears them again.
    private func echo() throws(BenchError) -> [Figure] {
        let (count, rate) = (500, 10.0)
        let all = try viewers(count, .echo)
        let message = Measure.keys(64)
        var saidAt = [UInt64](repeating: 0, count: count)
        var awaited = [Int](repeating: 0, count: count)
        var latencies: [Double] = []
        var isMeasured = false
        for (number, one) in all.enumerated() {
            awaited[number] = one.received
            one.onData = { [unowned one] _, _ in
                guard saidAt[number] > 0, one.received == awaited[number] else { return }
                if isMeasured { latencies.append(Double(monotonicNanoseconds() - saidAt[number]) / 1e3) }
                saidAt[number] = 0
            }
        }
        let figures = try paced(count, rate, measured: { isMeasured = $0 }, latencies: { latencies }) { number in
            // Its last message is not back yet: it waits, as a person would.
            guard saidAt[number] == 0 else { return }
            saidAt[number] = monotonicNanoseconds()
            awaited[number] += message.count
            all[number].send(message)
        }
        for one in all { one.onData = nil }
        try leave(all)
        return figures
    }

    /// Does `act` for each of `count` viewers `rate` times a second, evenly spread; the figures are of what came back.
    private func paced(
        _ count: Int, _ rate: Double, measured: (Bool) -> Void, latencies: () -> [Double], _ act: (Int) -> Void
    ) throws(BenchError) -> [Figure] {
        let interval = 1 / (Double(count) * rate)
        var next = monotonicSeconds()
        var turn = 0
        func go(for seconds: Double) throws(BenchError) {
            let end = monotonicSeconds() + seconds
            while true {
                let now = monotonicSeconds()
                if now >= end { return }
                // Who cannot keep up is not asked for more than there is time for.
                if now - next > 0.2 { next = now }
                while next <= now {
                    act(turn % count)
                    turn += 1
                    next += interval
                }
                engine.turn(0)
                if let fault = engine.faults.first { throw BenchError(fault) }
            }
        }
        try go(for: isQuick ? 0.3 : 0.5)
        let cpu = ProcessFigures.cpu(server.identifier)
        measured(true)
        let start = monotonicSeconds()
        try go(for: isQuick ? 1.5 : 2.5)
        measured(false)
        let took = monotonicSeconds() - start
        let used = ProcessFigures.cpu(server.identifier) - cpu
        engine.run(seconds: 0.2)
        let sorted = latencies().sorted()
        guard sorted.count > 10 else { throw BenchError("nothing comes back") }
        return [
            Figure(name: "CPU µs", value: used / Double(sorted.count) * 1e6),
            Figure(name: "p50 µs", value: sorted[sorted.count / 2]),
            Figure(name: "p99 µs", value: sorted[sorted.count * 99 / 100]),
            Figure(name: "per second", value: Double(sorted.count) / took),
        ]
    }

    /// Viewers that come, echo eight bytes and leave, eight at a time.
    private func handshakes(resumed: Bool) throws(BenchError) -> [Figure] {
        var sessions: [OpaquePointer] = []
        defer { for one in sessions { SSL_SESSION_free(one) } }
        var done = 0
        var resumptions = 0
        var current: [Client] = []
        func come() throws(BenchError) {
            let session = resumed ? sessions.popLast() : nil
            let one = try client(0, Order(.echo, client: 0).bytes + Measure.keys(8), resume: session)
            if let session { SSL_SESSION_free(session) }
            current.append(one)
        }
        func round(until end: Double) throws(BenchError) {
            while monotonicSeconds() < end || !current.isEmpty {
                while current.count < 8, monotonicSeconds() < end { try come() }
                engine.turn(5)
                if let fault = engine.faults.first { throw BenchError(fault) }
                for one in current where one.received >= 8 {
                    done += 1
                    if one.wasResumed { resumptions += 1 }
                    if resumed, let session = one.takeSession() { sessions.append(session) }
                    one.close()
                }
                current.removeAll { $0.hasEnded }
                guard monotonicSeconds() < end + patience else { throw BenchError("a viewer is not served") }
            }
        }
        try round(until: monotonicSeconds() + 0.3)
        (done, resumptions) = (0, 0)
        let cpu = ProcessFigures.cpu(server.identifier)
        let start = monotonicSeconds()
        try round(until: start + (isQuick ? 1.2 : 2))
        let took = monotonicSeconds() - start
        engine.run(seconds: 0.1)
        let used = ProcessFigures.cpu(server.identifier) - cpu
        if resumed, Double(resumptions) < 0.95 * Double(done) { return [] }
        return [
            Figure(name: "CPU µs", value: used / Double(done) * 1e6),
            Figure(name: "per second", value: Double(done) / took),
        ]
    }
}
