import Foundation
import SessionModel
import Stress
import TestServers
import Testing

@testable import StressLoad

@Suite("what viewers do")
struct ConductTests {
    @Test("a typist types for ever, a pointer moves now and then, and every line begins as one that does nothing")
    func typist() throws {
        var conduct = Conduct(.typist, seed: 7)
        let first = conduct.pictured()
        var wish = try #require(first)
        var keys: [UInt32] = []
        var moves = 0
        while keys.count < 200 {
            switch wish.deed {
            case .key(let keysym):
                keys.append(keysym)
                #expect((1...3).contains(wish.after))
            case .point(let x, let y):
                moves += 1
                #expect((20..<200).contains(x) && (20..<200).contains(y))
            case .slow, .cut: Issue.record("a typist does not leave")
            }
            let next = conduct.done()
            wish = try #require(next)
        }
        #expect(moves == 50 || moves == 51)
        for (place, key) in keys.enumerated() {
            switch place % Conduct.lineLength {
            case 0: #expect(key == 0x23)
            case Conduct.lineLength - 1: #expect(key == 0xff0d)
            default: #expect((0x61...0x7a).contains(key))
            }
        }
    }

    @Test("each behaviour does its own, and the same seed does the same")
    func behaviours() {
        for behaviour in StressPlan.Behaviour.allCases {
            var one = Conduct(behaviour, seed: 3)
            var other = Conduct(behaviour, seed: 3)
            let wish = one.pictured()
            #expect(wish == other.pictured())
            switch (behaviour, wish?.deed) {
            case (.watcher, nil), (.hostile, nil), (.typist, .point), (.slowReader, .slow(20_000)),
                (.vanishing, .cut(_, returns: false)), (.flapping, .cut(_, returns: true)):
                break
            default: Issue.record("\(behaviour) wishes \(String(describing: wish))")
            }
        }
    }

    @Test("harm is no request that could be granted")
    func harm() {
        var chances = SeededGenerator(seed: 1)
        for harm in Harm.allCases {
            let (clear, secret) = (harm.clearBytes(&chances), harm.secretBytes(&chances))
            #expect(harm.isInTLS ? clear.isEmpty : secret.isEmpty)
        }
        #expect(Harm.isServed(Array("HTTP/1.1 200 Connection established\r\n\r\n".utf8)))
        #expect(Harm.isServed(Array("HTTP/1.1 101 Switching Protocols\r\n\r\n".utf8)))
        #expect(!Harm.isServed(Array("HTTP/1.1 403 Forbidden\r\n\r\n".utf8)))
        #expect(!Harm.isServed([]))
    }

    @Test("a failure's kind has no number in it")
    func kinds() {
        let failure = WordFailure(sentence: "Session 12 of stress-0007 does not run.", isPassing: false)
        #expect(failure.kind == "Session … of … does not run.")
        #expect(failure.example == "Session 12 of stress-0007 does not run.")
        #expect(failure.told(of: .stop(session: 12)).kind == "stop: Session … of … does not run.")
    }

    @Test("stress users have four digits")
    func users() {
        #expect(LiveSession.user(1).text == "stress-0001")
        #expect(LiveSession.user(9999).text == "stress-9999")
    }

    @Test("the portal's words, with the mark")
    func words() {
        let user = LiveSession.user(3)
        #expect(
            CommandSpeaker.arguments(.start(user: user, application: "xterm", isSynthetic: true))
                == ["start", "user=stress-0003", "ip=stress", "app=xterm", "stress=synthetic"])
        #expect(
            CommandSpeaker.arguments(.start(user: user, application: "xterm", isSynthetic: false)).last == "stress=yes")
        #expect(CommandSpeaker.arguments(.stop(session: 4)) == ["stop", "4"])
    }

    @Test("a process is part of what its words say")
    func parts() {
        #expect(ProcessFigures.part(["/usr/bin/maxwelld", "--config", "x"]) == "controller")
        #expect(ProcessFigures.part(["maxwell-host", "--run", "/r", "keep", "7"]) == "keepers")
        #expect(ProcessFigures.part(["maxwell-host", "--run", "/r", "serve"]) == "agents")
        #expect(ProcessFigures.part(["maxwell-host", "--run", "/r", "serve"], host: "exec1") == "agent exec1")
        #expect(ProcessFigures.host("4:memory:/mwq-ab12/exec1/maxwell/7\n") == "exec1")
        #expect(ProcessFigures.host("4:memory:/mwq-ab12/services\n") == nil)
        #expect(ProcessFigures.whole([10, 20], of: 4) == 60 && ProcessFigures.whole([], of: 0) == 0)
        #expect(ProcessFigures.whole([], of: 4) == nil)
        #expect(ProcessFigures.part(["maxwell-host", "--run", "/r", "synthetic"]) == "synthetic displays")
        #expect(ProcessFigures.part(["bash"]) == nil)
        #expect(ProcessFigures.part(["xterm"], host: "exec2") == "applications")
        #expect(ProcessFigures.part(["Xvnc", ":3"], host: "exec2") == "displays")
        #expect(ProcessFigures.part([]) == nil)
        #expect(ProcessFigures.gatewayGroup("4:memory:/mwq-ab12/exec1/x\n0::/") == "/mwq-ab12/")
        #expect(ProcessFigures.gatewayGroup("0::/system.slice/maxwelld.service\n") == nil)
    }

    @Test("the load tells of itself too, once, whichever gateway it looks at", arguments: [nil, getpid()])
    func itself(controller: pid_t?) throws {
        var figures = ProcessFigures(controller: controller)
        let first = try #require(figures.look()["this load"])
        #expect(first.processes == 1 && first.cpu > 0)
        #expect(first.memory ?? 0 > 1000 && first.descriptors ?? 0 > 2)
        while try #require(figures.look()["this load"]).cpu == first.cpu {}
    }

    @Test("a process that becomes another program is part of what that is")
    func becomes() throws {
        let folder = try PrivateFolder(prefix: "mwpf")
        defer { folder.remove() }
        try FileManager.default.copyItem(atPath: "/bin/sleep", toPath: folder.file("maxwelld"))
        let script = "until test -e \(folder.file("go")); do sleep 0.05; done; exec \(folder.file("maxwelld")) 600"
        let shell = try WatchedProcess(["/bin/sh", "-c", script], log: folder.file("log"))
        defer { shell.stop() }
        var figures = ProcessFigures(controller: nil)
        let before = figures.look()["controller"]?.processes ?? 0
        try Data().write(to: URL(filePath: folder.file("go")))
        let limit = ContinuousClock.now + .seconds(60)
        while figures.look()["controller"]?.processes ?? 0 <= before {
            try #require(ContinuousClock.now < limit)
            usleep(20_000)
        }
    }
}
