import Glibc

/// The far end of one connection: a program, or a display, that does what its client's order says.
final class Program: Wire {
    static let update = 20_000

    private enum Stage { case version, choice, clientInit, order, work(Order) }

    private unowned let engine: Engine
    private let descriptor: Int32
    private var serial: UInt64 = 0
    private var stage: Stage
    private var gathered: [UInt8] = []
    private var unsent: [UInt8] = []
    /// Bytes of a bulk, an update or a pattern still to send, and where in the stream they begin.
    private var left = 0
    private var sent = 0
    private var heard = 0
    private var writes = false
    private var hasEnded = false
    /// When each update under way was handed in.
    var sentAt: [UInt64] = []

    init(_ engine: Engine, _ descriptor: Int32, greets: Bool) {
        self.engine = engine
        self.descriptor = descriptor
        stage = greets ? .version : .order
    }

    func begin() {
        serial = engine.add(self, descriptor)
        if case .version = stage { say(Array("RFB 003.008\n".utf8)) }
    }

    /// Sends the next update; false: the last one is not gone yet.
    func sendUpdate() -> Bool {
        guard left == 0 else { return false }
        left = Program.update
        sentAt.append(monotonicNanoseconds())
        pump()
        return true
    }

    func ready(_ events: UInt32) {
        if writes { pump() }
        guard !hasEnded else { return }
        while true {
            let count = recv(descriptor, engine.buffer, 256 * 1024, 0)
            guard count > 0 else {
                if count < 0, errno == EAGAIN { return }
                end()
                return
            }
            heardBytes(engine.buffer, count)
            if hasEnded || count < 64 * 1024 { return }
        }
    }

    private func heardBytes(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
        if case .work(let order) = stage {
            works(order, bytes, count)
            return
        }
        gathered += UnsafeBufferPointer(start: bytes, count: count)
        while let needed {
            guard gathered.count >= needed else { return }
            let message = gathered[..<needed]
            switch stage {
            case .version:
                say([1, 1])
                stage = .choice
            case .choice:
                say([0, 0, 0, 0])
                stage = .clientInit
            case .clientInit:
                // 640 × 480 at 32 bits, and a name of one letter.
                say([2, 128, 1, 224, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0, 0, 0, 0, 1, 98])
                stage = .order
            case .order:
                guard let order = Order(message) else {
                    engine.faults.append("a program heard no order but \(Array(message))")
                    end()
                    return
                }
                stage = .work(order)
                start(order)
            case .work: break
            }
            gathered.removeFirst(needed)
        }
        if !gathered.isEmpty, case .work(let order) = stage {
            gathered.withUnsafeBufferPointer { rest in
                if let base = rest.baseAddress { works(order, base, rest.count) }
            }
            gathered = []
        }
    }

    private var needed: Int? {
        switch stage {
        case .version: 12
        case .choice, .clientInit: 1
        case .order: Order.length
        case .work: nil
        }
    }

    private func start(_ order: Order) {
        switch order.work {
        case .echo: break
        case .updates: engine.updaters[order.client] = self
        case .bulk, .verify:
            left = Int(order.amount) * Order.block
            pump()
        }
    }

    private func works(_ order: Order, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        switch order.work {
        case .echo: say(Array(UnsafeBufferPointer(start: bytes, count: count)))
        case .verify:
            if !engine.up.matches(bytes, count, at: heard) {
                engine.faults.append("a program heard wrong bytes after \(heard)")
            }
            heard += count
            if heard == Int(order.amount) * Order.block { engine.verifiedUp += 1 }
        case .bulk, .updates: break
        }
    }

    private func say(_ bytes: [UInt8]) {
        unsent += bytes
        pump()
    }

    /// Sends what can be sent.
    private func pump() {
        while !unsent.isEmpty {
            let count = send(descriptor, unsent, unsent.count, Int32(MSG_NOSIGNAL))
            guard count > 0 else { return isFull() }
            unsent.removeFirst(count)
        }
        while left > 0 {
            let count = send(descriptor, engine.down.at(sent), min(left, Pattern.longest), Int32(MSG_NOSIGNAL))
            guard count > 0 else { return isFull() }
            left -= count
            sent += count
        }
        guard writes else { return }
        writes = false
        engine.change(serial, descriptor, writes: false)
    }

    private func isFull() {
        guard errno == EAGAIN else {
            end()
            return
        }
        if !writes { engine.change(serial, descriptor, writes: true) }
        writes = true
    }

    private func end() {
        guard !hasEnded else { return }
        hasEnded = true
        if case .work(let order) = stage, order.work == .updates, engine.updaters[order.client] === self {
            engine.updaters[order.client] = nil
        }
        engine.forget(serial, descriptor)
    }
}
