import Glibc
import HostProtocol
import SessionModel
import TestServers
import Testing

@testable import Isolation

@Suite("a display server that an attacker has taken over", .serialized)
struct ServerAttackTests {
    @Test("a link in its socket's place leads the keeper, which is root, to nobody else's socket")
    func link() throws {
        try withDisplay(3281) { agent, number in
            let other = try DisplayNumber(3282)
            try #require(try agent.make(other) == .displayReady)
            let folder = RunFolder(path: agent.run, isolation: .container).display(number)
            let line = "RFB \(number) \(Agent.key.exposed)\n"
            #expect(try agent.data(line, bytes: 15) == "OK\nRFB 003.008\n")
            try agent.begin("echo there; exec sleep 1000", on: number)
            let rfb = RunFolder(path: agent.run, isolation: .container).display(other).rfb
            for target in [rfb, agent.run + "/data.sock"] {
                unlink(folder.rfb)
                #expect(symlink(target, folder.rfb) == 0)
                #expect(try agent.data(line).hasPrefix("NO "))
            }
            guard case .failed = try agent.ask(.screenshot(display: number)) else {
                Issue.record("a picture of another display")
                return
            }
            // A socket of somebody else's, in the flesh.
            unlink(folder.rfb)
            close(try listenUnix(folder.rfb))
            #expect(try agent.data(line).hasPrefix("NO "))
            expectEnded(try agent.end(number))
            #expect(agent.traces(of: number) == [])
            #expect(try agent.data("RFB \(other) \(Agent.key.exposed)\n", bytes: 15) == "OK\nRFB 003.008\n")
            expectEnded(try agent.end(other))
        }
    }

    @Test("whatever it leaves in its folder is removed, and nothing that links there name")
    func folder() throws {
        let target = "/tmp/mw-server-target-\(getpid())"
        try makeFolder(target, 0o700)
        defer { removeTree(target) }
        try writeFile(target + "/kept", [])
        try withDisplay(3283) { agent, number in
            let folder = RunFolder(path: agent.run, isolation: .container).display(number)
            #expect(symlink(target, folder.server + "/link") == 0)
            #expect(mkfifo(folder.server + "/pipe", 0o600) == 0)
            var deep = open(folder.server, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            let name: [CChar] = Array(repeating: -1, count: 200) + [0]
            for _ in 0..<200 {
                #expect(mkdirat(deep, name, 0o700) == 0 && symlinkat(target, deep, "link") == 0 || errno == EEXIST)
                let next = openat(deep, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                close(deep)
                deep = next
            }
            close(deep)
            expectEnded(try agent.end(number))
            #expect(agent.traces(of: number) == [])
            #expect(names(in: target) == ["kept"])
        }
    }

    @Test("it reads its files, and neither makes one nor makes one longer in the host's run folder")
    func writing() throws {
        try withDisplay(3285) { agent, number in
            let folder = RunFolder(path: agent.run, isolation: .container).display(number)
            let uid = "\(2_000_000 + number.value)"
            let attack = """
                cd \(folder.server) || exit
                cat auth passwd | wc -c
                for one in . .. auth passwd; do chmod 0777 $one && echo opened $one; done
                for one in auth passwd ../state ../xvnc.log; do dd if=/dev/zero of=$one bs=1M count=1 && echo wrote $one; done
                for one in . ..; do touch $one/new && echo made $one; mkdir $one/folder && echo made $one; done
                ln auth other && echo linked
                mv rfb other && echo moved
                rm -f rfb auth passwd && echo removed
                """
            let said = try runCommand(
                [
                    "/usr/bin/setpriv", "--reuid", uid, "--regid", uid, "--clear-groups", "/bin/sh", "-c",
                    "exec 2>/dev/null\n" + attack,
                ])
            #expect(said.output == "56\n")
            try agent.expectUsable(number, session: 7)
            expectEnded(try agent.end(number))
            #expect(agent.traces(of: number) == [])
        }
    }
}
