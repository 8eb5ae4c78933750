import Glibc
import HostProtocol
import SessionModel
import TestServers
import Testing

@testable import Isolation

@Suite("an application with programs of its own", .serialized)
struct TreeTests {
    /// Makes a small system of the host's programs at `place`, with a word of its own in `/marker`.
    static func makeTree(at place: String) throws {
        for folder in ["usr/bin", "usr/lib", "usr/lib64", "etc", "proc", "dev", "tmp"] {
            try makeFolders(place + "/" + folder, 0o755)
        }
        for (link, target) in [("bin", "usr/bin"), ("lib", "usr/lib"), ("lib64", "usr/lib64")] {
            #expect(symlink(target, place + "/" + link) == 0)
        }
        var files: Set<String> = []
        for program in ["sh", "bash", "cat", "id", "ls", "touch", "hostname", "sleep", "tail"] {
            files.insert("/bin/" + program)
            for word in try runCommand(["/usr/bin/ldd", "/usr/bin/" + program]).output.split(
                whereSeparator: \.isWhitespace)
            where word.hasPrefix("/") { files.insert(String(word)) }
        }
        for file in files {
            let copy = place + file
            try makeFolders(String(copy[..<(copy.lastIndex(of: "/") ?? copy.startIndex)]), 0o755)
            try writeFile(copy, try #require(contents(of: file)), mode: 0o4755)
        }
        try writeFile(place + "/marker", Array("the tree's own\n".utf8), mode: 0o666)
        try writeFile(place + "/etc/passwd", Array("eve:x:0:0::/:/bin/sh\n".utf8), mode: 0o666)
        try writeFile(place + "/etc/own", Array("kept\n".utf8), mode: 0o644)
        chown(place, Agent.alice, Agent.alice)
    }

    private func withTree(_ body: (String) throws -> Void) throws {
        let place = "/tmp/mw-tree-\(Secret.token().exposed.prefix(8))"
        defer { removeTree(place) }
        try Self.makeTree(at: place)
        try body(place)
    }

    static let look = """
        cat /marker /etc/own; hostname; cat /etc/passwd; cat /proc/loadavg /etc/machine-id /etc/hosts
        for p in /x /usr/x /etc/x /etc/passwd /marker /run/x /proc/x /dev/x; do touch $p 2>/dev/null && echo touched $p; done
        for p in /tmp/x /var/tmp/x /dev/shm/x $HOME/x; do touch $p && echo made $p; done
        test -e /usr/bin/env && echo the host; test -e /.tree && echo left over; ls -d $XAUTHORITY /tmp/.X11-unix/X*
        ls /; id -u; while read a b; do case $a in Cap*|NoNew*|Seccomp:) echo $a $b;; esac; done < /proc/self/status
        echo mounts; cat /proc/self/mountinfo
        """

    /// What holds for a session with a tree, whichever way it came.
    static func check(_ said: String, home: String, number: DisplayNumber) {
        #expect(said.hasPrefix("the tree's own\nkept\nsession-7\nroot:x:0:0:"), "\(said)")
        #expect(said.contains("\nalice:x:10001:") && !said.contains("eve:"))
        #expect(said.contains("0.00 0.00 0.00 1/1 1") && said.contains("127.0.0.1 localhost session-7"))
        #expect(!said.contains("touched") && !said.contains("the host") && !said.contains("left over"), "\(said)")
        for place in ["/tmp/x", "/var/tmp/x", "/dev/shm/x", home + "/x"] { #expect(said.contains("made \(place)\n")) }
        #expect(said.contains("/run/maxwell/auth\n") && said.contains("/tmp/.X11-unix/X\(number)\n"))
        for kind in ["Inh", "Prm", "Eff", "Bnd", "Amb"] { #expect(said.contains("Cap\(kind): 0000000000000000\n")) }
        #expect(said.contains("NoNewPrivs: 1\n") && said.contains("Seccomp: 2\n"))
        let mounts = said.split(separator: "\n").drop { $0 != "mounts" }.dropFirst()
        #expect(mounts.count > 5)
        for mount in mounts {
            let fields = mount.split(separator: " ")
            let options = fields[5].split(separator: ",")
            #expect(
                options.contains("nosuid") && (options.contains("nodev") || fields[4].hasPrefix("/dev/")), "\(mount)")
            if fields[4] == "/" { #expect(options.contains("ro")) }
        }
    }

    /// What bounds every session bounds one with `tree` too: memory, processes, and without a policy no network.
    static func checkBounds(_ tree: SystemTree, _ agent: Agent, on number: DisplayNumber) throws {
        let listener = try FreePort()
        defer { listener.release() }
        let greed = """
            while IFS=: read name rest; do
                case $name in *'|'*) ;; *) echo device $name;; esac
            done </proc/net/dev
            for to in tcp/127.0.0.1/\(listener.number) tcp/198.18.1.20/443 udp/198.18.1.20/53 tcp/fd98::20/443; do
                bash -c "exec 3<>/dev/$to" && echo reached $to
            done
            tail /dev/zero; echo tail ended $?
            i=0
            (while [ $i -lt 200 ]; do i=$((i + 1)); sleep 1000 & done)
            echo there
            exec sleep 1000
            """
        try agent.begin(greed, on: number, session: 8) {
            $0.tree = tree
            $0.limits = ResourceLimits(memory: 64, processes: 20)
        }
        let said = agent.file("8/app.log")
        let lines = said.split(separator: "\n")
        #expect(lines.filter { $0.hasPrefix("device ") } == ["device lo"], "\(said)")
        #expect(!said.contains("reached"), "\(said)")
        // Its own loopback, where nobody listens, and no way to anywhere else.
        #expect(lines.count { $0.hasSuffix("connect: Connection refused") } == 1, "\(said)")
        #expect(lines.count { $0.hasSuffix("connect: Network is unreachable") } >= 2, "\(said)")
        #expect(lines.contains("tail ended 137"), "\(said)")
        #expect(try #require(agent.peak(of: .session, on: number)) <= 64 << 20)
        #expect((10...20).contains(agent.groups(ofDisplay: number).members(of: .session).count))
        expectEnded(try agent.end(number))
        #expect(agent.traces(of: number) == [])
    }

    @Test("its limits hold, and without a policy it has no network")
    func bounds() throws {
        try withTree { tree in
            try withDisplay(3255) { agent, number in try Self.checkBounds(.folder(tree), agent, on: number) }
        }
    }

    @Test("it sees that tree, read-only, with its own home, accounts and display, as confined as any other")
    func folder() throws {
        try withTree { tree in
            try withDisplay(3251) { agent, number in
                let said = try agent.said(Self.look, on: number) { $0.tree = .folder(tree) }
                Self.check(said, home: agent.home, number: number)
                #expect(access(agent.home + "/x", F_OK) == 0)
                #expect(text(of: tree + "/marker") == "the tree's own\n" && !names(in: tree).contains("x"))
                #expect(text(of: tree + "/etc/passwd") == "eve:x:0:0::/:/bin/sh\n")
                #expect(try agent.inside(number, ["ls", "-d", "/usr/bin/env"]).hasPrefix("/usr/bin/env"))
                expectEnded(try agent.end(number))
                #expect(agent.traces(of: number) == [])
            }
        }
    }

    @Test("nothing of it is left after the end, however it runs on")
    func end() throws {
        try withTree { tree in
            try withDisplay(3252) { agent, number in
                try agent.begin("sleep 1000 & echo there; trap '' HUP TERM; sleep 1000; sleep 1000", on: number) {
                    $0.tree = .folder(tree)
                }
                let application = try #require(agent.left(of: number).application)
                // bubblewrap's first process, Xvnc, the shell and both it has started.
                var spaces: [ProcessIdentity] = []
                while spaces.count < 5 { spaces = Agent.sharingNamespaces(of: application.pid) }
                expectEnded(try agent.ask(.endDisplay(display: number, key: Agent.key, patienceSeconds: 0.1)))
                #expect(spaces.allSatisfy { !$0.isAlive })
                #expect(agent.traces(of: number) == [])
                #expect(text(of: "/proc/self/mountinfo")?.contains(tree) == false)
            }
        }
    }

    @Test("a tree that is not there, or is none, is refused with its name, and the display can still be used")
    func missing() throws {
        try withDisplay(3253) { agent, number in
            for place in ["/nonexistent/tree", "/etc/passwd"] {
                var order = try agent.order("true", on: number, session: 7, geometry: .usual)
                order.tree = .folder(place)
                let reply = try agent.ask(.startApplication(order))
                expectFailure(reply, .applicationFailed)
                guard case .failed(let failure) = reply else { continue }
                #expect(failure.cause.hasPrefix("tree \(place): "), "\(failure.cause)")
            }
            #expect(try agent.said("echo fine", on: number) == "fine\n")
            expectEnded(try agent.end(number))
        }
    }

    @Test("without containers there is no other tree")
    func plain() throws {
        try withDisplay(40_000 + Int(getpid() + 8) % 20_000, ["--isolation", "none"]) { agent, number in
            var order = try agent.order("true", on: number, session: 7, geometry: .usual)
            order.tree = .folder("/srv/tree")
            expectFailure(try agent.ask(.startApplication(order)), .applicationFailed)
            expectEnded(try agent.end(number))
        }
    }

    @Test(
        "links in a tree lead nowhere but into the tree",
        arguments: ["etc", "proc", "dev", "tmp", "run", "var", "home", "usr"])
    func links(name: String) throws {
        try withTree { tree in
            try withDisplay(3254) { agent, number in
                let before = names(in: "/etc").sorted()
                removeTree(tree + "/" + name)
                #expect(symlink("/../../../../../../etc", tree + "/" + name) == 0)
                var order = try agent.order("true", on: number, session: 7, geometry: .usual)
                order.tree = .folder(tree)
                _ = try agent.ask(.startApplication(order))
                #expect(names(in: "/etc").sorted() == before)
                #expect(text(of: "/etc/passwd")?.contains("alice:x:10001") != true)
                expectEnded(try agent.end(number))
                #expect(agent.traces(of: number) == [])
            }
        }
    }
}
