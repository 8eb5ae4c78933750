/// What a client asks of the program behind the relay: two RFB KeyEvents (RFC 6143 §7.5.4) that say more than keys, so
/// that a relay that reads RFB passes them as any other does.
struct Order {
    enum Work: UInt8 {
        /// Send ``Order/amount`` blocks of 64 KiB.
        case bulk = 66
        /// Give back everything.
        case echo = 69
        /// Send an update whenever the load says so.
        case updates = 77
        /// Send ``Order/amount`` blocks of a known pattern, and expect as many.
        case verify = 86
    }

    static let length = 16
    static let block = 65_536

    let work: Work
    let client: UInt32
    let amount: UInt32

    var bytes: [UInt8] {
        [4, work.rawValue, 0, 0] + Order.bigEndian(client) + [4, 0, 0, 0] + Order.bigEndian(amount)
    }

    init(_ work: Work, client: UInt32, amount: UInt32 = 0) {
        (self.work, self.client, self.amount) = (work, client, amount)
    }

    /// Reads ``length`` bytes; nil: they are no order.
    init?(_ bytes: ArraySlice<UInt8>) {
        let bytes = Array(bytes)
        guard bytes.count == Order.length, bytes[0] == 4, bytes[8] == 4, let work = Work(rawValue: bytes[1]) else {
            return nil
        }
        self.work = work
        client = Order.number(bytes[4..<8])
        amount = Order.number(bytes[12..<16])
    }

    private static func bigEndian(_ number: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }
}
