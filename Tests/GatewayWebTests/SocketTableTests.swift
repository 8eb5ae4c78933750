import Testing

@testable import GatewayWeb

/// Rows as Linux 6.18 writes them.
@Suite("whose the other end of a connection is")
struct SocketTableTests {
    private static let loopback: [UInt8] = [127, 0, 0, 1]
    private static let table = """
          sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
           0: 0100007F:012C 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 900 1 0 100 0 0 10 0
          77: 0100007F:012C 0100007F:A47C 01 00000000:00000000 00:00000000 00000000     0        0 0 1 0 20 0 0 10 -1
         120: 0100007F:A47C 0100007F:012C 01 00000000:00000000 00:00000000 00000000    33        0 586080 2 0 20 0 0 10 -1
         121: 0100007F:A47D 0100007F:012C 04 00000001:00000000 01:00000014 00000000  1000        0 586081 2 0 20 0 0 10 -1
         122: 0100007F:A47E 0100007F:012C 05 00000000:00000000 03:0000176F 00000000     0        0 0 3 0
         123: 0100007F:A47F 0200007F:012C 01 00000000:00000000 00:00000000 00000000    34        0 586083 2 0 20 0 0 10 -1
         124: 0000000000000000FFFF00000100007F:A480 0000000000000000FFFF00000100007F:012C 01 00000000:00000000 \
        00:00000000 00000000    35        0 586084 2 0 20 0 0 10 -1
         125: 00000000000000000000000001000000:A481 00000000000000000000000001000000:012C 01 00000000:00000000 \
        00:00000000 00000000    36        0 586085 2 0 20 0 0 10 -1
        """

    private func owner(
        _ port: UInt16, at address: [UInt8] = Self.loopback, in table: String = Self.table
    ) -> SocketTable.Owner? {
        SocketTable.owner(
            of: SocketEnd(address: address, port: port), connectedTo: SocketEnd(address: address, port: 300),
            in: Array(table.utf8))
    }

    @Test("it is who holds the socket with both addresses and ports, also one that says nothing more")
    func found() {
        #expect(owner(0xA47C) == SocketTable.Owner(uid: 33, inode: 586_080))
        #expect(owner(0xA47D) == SocketTable.Owner(uid: 1000, inode: 586_081))
    }

    @Test("IPv4 in IPv6 is IPv4, and IPv6 is itself")
    func families() {
        let one = [UInt8](repeating: 0, count: 15) + [1]
        let carried = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF] + Self.loopback
        #expect(owner(0xA480)?.uid == 35 && owner(0xA47C, at: carried)?.uid == 33)
        #expect(owner(0xA481, at: one)?.uid == 36)
        #expect(SocketEnd(address: carried, port: 1).isLoopback && SocketEnd(address: one, port: 1).isLoopback)
        #expect(!SocketEnd(address: [10, 0, 0, 127], port: 1).isLoopback)
        #expect(!SocketEnd(address: [UInt8](repeating: 0, count: 16), port: 1).isLoopback)
    }

    @Test("a closed socket, whose row says root, is nobody's; nor is one that listens, or that is connected elsewhere")
    func nobody() {
        for port: UInt16 in [0xA47E, 0xA47F, 0xA482, 300] { #expect(owner(port) == nil, "\(port)") }
    }

    @Test("who has no socket here is another machine, unless it came from an address of this one, or to the loopback")
    func strangers() {
        let (away, other) = (
            SocketEnd(address: [203, 0, 113, 10], port: 1), SocketEnd(address: [203, 0, 113, 77], port: 300)
        )
        let (own, own6) = (
            SocketEnd(address: Self.loopback, port: 300),
            SocketEnd(address: [UInt8](repeating: 0, count: 15) + [1], port: 300)
        )
        #expect(!away.isOfThisMachine && own.isOfThisMachine && own6.isOfThisMachine)
        #expect(QuotaAsker.stranger(at: away, to: other) == .elsewhere)
        for place in [own, own6] {
            #expect(QuotaAsker.stranger(at: away, to: place) == .unknown)
            #expect(QuotaAsker.stranger(at: place, to: other) == .unknown)
        }
    }

    @Test(
        "what is no table has no rows",
        arguments: [
            "", "\n\n", "120:", "120: 0100007F:A47C 0100007F:012C 01 0:0 0:0 0 33 0",
            "120: 0100007F:A47C 0100007F:012C 01 0:0 0:0 0 -1 0 586080",
            "120: 0100007F:A47C 0100007F:012C 01 0:0 0:0 0 33 0 x",
            "120: 0100007:A47C 0100007F:012C 01 0:0 0:0 0 33 0 586080",
            "120: 0100007F:1A47C 0100007F:012C 01 0:0 0:0 0 33 0 586080",
            "120: 0100007F 0100007F:012C 01 0:0 0:0 0 33 0 586080",
        ])
    func noTable(text: String) {
        #expect(owner(0xA47C, in: text) == nil)
    }
}
