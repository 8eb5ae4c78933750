import SessionModel
import Testing
import ViewClient

extension EndToEnd {
    @Test("a whole frame shows the application, by each way in, with the display's password", arguments: WayIn.allCases)
    func frameByPassword(way: WayIn) throws {
        try Gateway.withSession { number in
            let viewer = try Gateway.viewer(number, by: way)
            #expect(viewer.security == 2)
            #expect(viewer.certificate.isSelfSigned == (way == .connectInClear))
            let picture = try viewer.frame { $0.distinctColours > 1 && $0.count(of: 0xffffff) > 10_000 }
            try picture.writePNG(to: try Gateway.screenshot("xterm-\(way.rawValue).png"))
        }
    }

    @Test("a ticket needs no password, by each way in", arguments: WayIn.allCases)
    func frameByTicket(way: WayIn) throws {
        try Gateway.withSession { number in
            let viewer = try Gateway.viewer(token: try Gateway.ticket(number).ticket, by: way)
            #expect(viewer.security == 1)
            #expect(try viewer.frame { $0.distinctColours > 1 }.distinctColours > 1)
        }
    }

    @Test("what is typed reaches the application")
    func typing() throws {
        try Gateway.withSession { number in
            let viewer = try Gateway.viewer(number)
            let before = try viewer.frame { $0.distinctColours > 1 }
            #expect(before.count(of: red) == 0)
            try viewer.paintTerminal(1)
            let after = try viewer.frame { $0.count(of: red) > 10_000 }
            #expect(after.differences(from: before) > 10_000)
        }
    }

    @Test("a view asked for with readonly=1 sees, but cannot type, even for the owner")
    func readOnly() throws {
        try Gateway.withSession { number in
            let watching = try Gateway.viewer(number, readOnly: true)
            let acting = try Gateway.viewer(number)
            try watching.paintTerminal(2)
            _ = try watching.frame()
            try acting.paintTerminal(1)
            let shown = try acting.frame { $0.count(of: red) > 10_000 }
            #expect(shown.count(of: green) == 0)
            let seen = try watching.frame { $0.count(of: red) > 10_000 }
            #expect(seen.count(of: green) == 0)
        }
    }

    @Test("the portal's message 32 gives the desktop another size")
    func messageThirtyTwo() throws {
        try Gateway.withSession { number in
            let viewer = try Gateway.viewer(number)
            _ = try viewer.frame()
            try viewer.requestSize(width: 900, height: 700)
            let picture = try viewer.frame { $0.width == 900 && $0.height == 700 }
            #expect(picture.pixels.count == 900 * 700)
        }
    }

    @Test("a token that is wrong is refused, by each way in", arguments: WayIn.allCases)
    func wrongToken(way: WayIn) throws {
        #expect(throws: ViewError.self) {
            try Gateway.viewer(token: "0123456789abcdef0123456789abcdef", by: way)
        }
    }
}
