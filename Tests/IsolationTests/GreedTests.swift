import Glibc
import HostProtocol
import SessionModel
import Testing

@testable import Isolation

/// What a hostile application tries to take of its host, each time with a neighbour that must not notice.
@Suite("an attack on the host's resources", .serialized)
struct GreedTests {
    /// Displays `number` and the next one, the neighbour.
    private func withNeighbours(_ number: Int, _ body: (Agent, DisplayNumber, DisplayNumber) throws -> Void) throws {
        try withDisplay(number) { agent, display in
            let neighbour = try DisplayNumber(number + 1)
            try #require(try agent.make(neighbour) == .displayReady)
            try body(agent, display, neighbour)
            for one in [display, neighbour] {
                expectEnded(try agent.end(one))
                #expect(agent.traces(of: one) == [])
            }
        }
    }

    @Test("filling memory ends the process that does it: application, display, neighbour and keeper live on")
    func memory() throws {
        try withNeighbours(3191) { agent, number, neighbour in
            let keeper = agent.processes("keep \(number)").first
            let said = try agent.attack(
                "tail /dev/zero; echo ended $?; exec sleep 1000", until: "ended", on: number,
                limits: ResourceLimits(memory: 64))
            #expect(said.contains("ended 137"))
            #expect(try #require(agent.peak(of: .session, on: number)) <= 64 << 20)
            #expect(agent.processes("keep \(number)").first == keeper)
            try agent.expectShown(number)
            try agent.expectUsable(neighbour, session: 8)
        }
    }

    @Test("memory that only files in memory hold counts as well")
    func sharedMemory() throws {
        try withNeighbours(3193) { agent, number, neighbour in
            let fill = "dd if=/dev/zero of=/dev/shm/x bs=1M count=1000 2>/dev/null; echo ended $?; exec sleep 1000"
            #expect(
                try agent.start(fill, on: number, limits: ResourceLimits(memory: 64, temporary: 1024))
                    == .applicationStarted)
            // What is full ends dd, and may end the shell that says so.
            while !agent.file("7/app.log").contains("ended"), try agent.account(number).status == nil { usleep(2000) }
            #expect(!agent.file("7/app.log").contains("ended 0"))
            #expect(try #require(agent.peak(of: .session, on: number)) <= 64 << 20)
            try agent.expectShown(number)
            try agent.expectUsable(neighbour, session: 8)
        }
    }

    @Test("a fork bomb stays small, a neighbour starts beside it, and it ends with its display")
    func forkBomb() throws {
        try withNeighbours(3195) { agent, number, neighbour in
            #expect(
                try agent.start("exec perl -e 'while (1) { fork }'", on: number, limits: ResourceLimits(processes: 60))
                    == .applicationStarted)
            func bombs() -> [Int32] { agent.groups(ofDisplay: number).members(of: .session) }
            while bombs().count < 60 { usleep(2000) }
            try agent.expectUsable(neighbour, session: 8)
            let third = try DisplayNumber(number.value + 2)
            #expect(try agent.make(third) == .displayReady)
            #expect(bombs().count <= 60)
            try agent.expectShown(number)
            expectEnded(try agent.end(third))
        }
    }

    @Test("filling its own file systems in memory ends at their size, and no other is writable")
    func disk() throws {
        try withNeighbours(3198) { agent, number, neighbour in
            let attack = """
                for d in /tmp /dev/shm /var/tmp; do
                    dd if=/dev/zero of=$d/fill bs=64k count=1000 2>/dev/null
                    echo "filled $(stat -c %s $d/fill)"
                    rm $d/fill
                done
                perl -e 'while ($i < 100000 && open(my $h, ">", "/tmp/i$i")) { $i++ } print "files $i\\n"'
                for d in / /run /run/maxwell /var /var/lib /var/cache /etc /home /dev /usr /usr/bin /opt /proc; do
                    touch $d/x 2>/dev/null && echo "wrote $d"
                done
                echo done; exec sleep 1000
                """
            let said = try agent.attack(attack, until: "done", on: number, limits: ResourceLimits(temporary: 8))
            let sizes = said.split(separator: "\n").filter { $0.hasPrefix("filled ") }.compactMap {
                Int($0.dropFirst(7))
            }
            #expect(sizes.count == 3 && sizes.allSatisfy { (6 << 20...8 << 20).contains($0) })
            let files = said.split(separator: "\n").first { $0.hasPrefix("files ") }.flatMap { Int($0.dropFirst(6)) }
            #expect(try (3000...4096).contains(#require(files)))
            #expect(!said.contains("wrote"))
            try agent.expectUsable(neighbour, session: 8)
        }
    }

    @Test("a waiting display's own file systems are small, and grow at the hand-over")
    func room() throws {
        try withDisplay(3201) { agent, number in
            func room(_ folder: String) throws -> Int? {
                Int(
                    try agent.inside(number, ["df", "-k", "--output=size", folder]).split(separator: "\n").last?
                        .filter(\.isNumber) ?? "")
            }
            for folder in ["/tmp", "/dev/shm"] { #expect(try room(folder) == 16 << 10) }
            for folder in ["/run", "/var", "/home", "/etc"] { #expect(try room(folder) == 4 << 10) }
            #expect(
                try agent.start("exec sleep 1000", on: number, limits: ResourceLimits(temporary: 300))
                    == .applicationStarted)
            for folder in ["/tmp", "/dev/shm"] { #expect(try room(folder) == 300 << 10) }
            expectEnded(try agent.end(number))
        }
    }

    @Test("opening 100,000 files ends at the limit of open files")
    func descriptors() throws {
        try withNeighbours(3202) { agent, number, neighbour in
            let attack = """
                perl -e 'while (@f < 100000 && open(my $h, "<", "/dev/null")) { push @f, $h } print "opened ", @f + 0, "\\n"'
                echo done; exec sleep 1000
                """
            let said = try agent.attack(attack, until: "done", on: number, limits: ResourceLimits(files: 256))
            let opened = said.split(separator: "\n").first { $0.hasPrefix("opened ") }.flatMap { Int($0.dropFirst(7)) }
            #expect(try (200...256).contains(#require(opened)))
            try agent.expectUsable(neighbour, session: 8)
        }
    }

    @Test("opening terminals ends at a bound, and a neighbour has its own")
    func terminals() throws {
        try withNeighbours(3212) { agent, number, neighbour in
            let attack = """
                import os, time
                kept = []
                try:
                    while True: kept.append(os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY))
                except OSError: pass
                print("opened", len(kept), flush=True)
                time.sleep(1000)

                """
            let said = try agent.attack(
                "exec " + agent.python(attack), until: "opened", on: number, limits: ResourceLimits(files: 4096))
            #expect(said == "opened 256\n")
            let terminal = "import os; print(os.ttyname(os.openpty()[1]))"
            #expect(try agent.inside(neighbour, ["/usr/bin/python3", "-c", terminal]) == "/dev/pts/0\n")
            try agent.expectUsable(neighbour, session: 8)
        }
    }

    @Test("what its connections to itself hold back is bounded")
    func connections() throws {
        try withNeighbours(3214) { agent, number, neighbour in
            let attack = """
                import socket, time
                door = socket.socket()
                door.bind(("127.0.0.1", 0))
                door.listen(500)
                kept, held = [], 0
                for n in range(500):
                    s = socket.socket()
                    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                        s.setsockopt(socket.SOL_SOCKET, option, 1 << 24)
                    s.settimeout(1)
                    try: s.connect(door.getsockname())
                    except OSError: break
                    kept += [s, door.accept()[0]]
                    s.setblocking(False)
                    try:
                        while True: held += s.send(bytes(1 << 20))
                    except OSError: pass
                print("held", held >> 20, flush=True)
                time.sleep(1000)

                """
            let command = try agent.python(attack) + " || echo held 0; exec sleep 1000"
            let said = try agent.attack(command, until: "held", on: number, limits: ResourceLimits(memory: 128))
            let held = said.split(separator: "\n").first { $0.hasPrefix("held ") }.flatMap { Int($0.dropFirst(5)) }
            #expect(try #require(held) <= 128, "\(said)")
            try agent.expectUsable(neighbour, session: 8)
        }
    }

    @Test("taking every processor yields no more than the ceiling")
    func cpu() throws {
        try withNeighbours(3204) { agent, number, neighbour in
            let spin = "while :; do :; done"
            #expect(
                try agent.start("(\(spin)) & (\(spin)) & \(spin)", on: number, limits: ResourceLimits(cpu: 20))
                    == .applicationStarted)
            let session = ControlGroups(folders: agent.groups(ofDisplay: number).folders(of: .session))
            func throttled() -> Int {
                for folder in session.folders {
                    for line in text(of: folder + "/cpu.stat")?.split(separator: "\n") ?? []
                    where line.hasPrefix("nr_throttled ") { return Int(line.dropFirst(13)) ?? 0 }
                }
                return 0
            }
            while throttled() < 2 { usleep(2000) }
            let (began, before, first) = (now(), try #require(session.cpuSeconds), throttled())
            while throttled() < first + 20 { usleep(2000) }
            let used = try #require(session.cpuSeconds) - before
            // A period's part may fall to either side of the measurement's ends.
            #expect(used <= 0.2 * (now() - began) + 0.05)
            try agent.expectUsable(neighbour, session: 8)
        }
    }

    @Test("signals to everything there is reach neither Xvnc nor the container nor the keeper")
    func signals() throws {
        try withNeighbours(3206) { agent, number, neighbour in
            let attack = """
                for p in $(ls /proc | grep '^[0-9]'); do
                    for s in STOP TSTP HUP TERM KILL; do
                        [ $p = $$ ] || { kill -$s $p && echo "$s reached $p"; } 2>/dev/null
                    done
                done
                renice -n -5 $$ 2>/dev/null && echo faster
                chrt -f 10 true 2>/dev/null && echo realtime
                echo -900 2>/dev/null >/proc/self/oom_score_adj && echo protected
                echo done; exec sleep 1000
                """
            let said = try agent.attack(attack, until: "done", on: number, limits: .standard)
            #expect(said == "done\n")
            #expect(agent.processes("keep \(number)").count == 1)
            try agent.expectShown(number)
            try agent.expectUsable(neighbour, session: 8)
        }
    }

    /// An X client in Perl that makes pictures of 64 MiB in the server for as long as it is let.
    private static let hoarder = """
        use Socket; socket(my $s, PF_UNIX, SOCK_STREAM, 0); my ($n) = $ENV{DISPLAY} =~ /(\\d+)/;
        connect($s, pack_sockaddr_un("/tmp/.X11-unix/X$n")) or die; open(my $f, "<", $ENV{XAUTHORITY}); local $/;
        my $k = substr(<$f>, -16); sub take { my $b = ""; read($s, $b, $_[0]) == $_[0] or exit; $b }
        sub give { syswrite($s, $_[0]) == length $_[0] or exit }
        $| = 1;
        give(pack("a1xvvvvxxa18xxa16", "l", 11, 0, 18, 16, "MIT-MAGIC-COOKIE-1", $k));
        my $h = take(8); my $b = $h . take(4 * unpack("v", substr($h, 6))); my $id = unpack("V", substr($b, 12));
        my $v = unpack("v", substr($b, 24)); my $m = ord(substr($b, 29));
        my $root = unpack("V", substr($b, 40 + ($v + 3 & ~3) + 8 * $m));
        give(pack("CxvVVV", 55, 4, ++$id, $root, 0)); my $gc = $id; print "drawing\\n";
        while (1) { give(pack("CCvVVvv", 53, 24, 4, ++$id, $root, 4096, 4096)
            . pack("CxvVVvvvv", 70, 5, $id, $gc, 0, 0, 4096, 4096)) }
        """

    @Test("pictures without end in its Xvnc end that Xvnc, and nobody else's")
    func pictures() throws {
        try withDisplay(3208) { agent, number in
            let neighbour = try DisplayNumber(3209)
            try #require(try agent.make(neighbour) == .displayReady)
            let groups = agent.groups(ofDisplay: number)
            try writeFile(agent.home + "/hoarder", Array(Self.hoarder.utf8), mode: 0o644)
            #expect(
                try agent.start("exec perl $HOME/hoarder", on: number, limits: ResourceLimits(memory: 256))
                    == .applicationStarted)
            var peak = 0
            while agent.exists(number) {
                peak = max(peak, agent.peak(of: .server, on: number) ?? 0)
                usleep(5000)
            }
            #expect(agent.file("7-expired/app.log").contains("drawing") && peak > 512 << 20 && peak <= 1 << 30)
            var event = try agent.event()
            // The client, which loses its server, may be told first.
            if case .applicationExited = event { event = try agent.event() }
            guard case .displayDied(let end) = event else {
                Issue.record("the death was not told")
                return
            }
            #expect(end.display == number && groups.members == [])
            #expect(agent.traces(of: number) == [])
            try agent.expectUsable(neighbour, session: 8)
            expectEnded(try agent.end(neighbour))
        }
    }

    /// Lets `body` have a host whose displays' servers write more than 4 MiB before they go on with `rest`.
    private func withTalkativeServers(_ rest: String, _ body: (Agent) throws -> Void) throws {
        let folder = "/tmp/mw-x\(Secret.token().exposed.prefix(8))"
        try makeFolder(folder, 0o755)
        defer { removeTree(folder) }
        let server = "#!/bin/sh\nyes words without end | head -n 250000 >&2\n\(rest)\n"
        try writeFile(folder + "/Xvnc", Array(server.utf8), mode: 0o755)
        // As the container has the folder.
        let inside = "/usr/local/src"
        try withAgent(["--xvnc", inside + "/Xvnc"], bound: [inside: folder], body)
    }

    @Test("a log of a display's server stays short, whatever that writes, and has nothing of refused X clients")
    func serverLog() throws {
        let attack = """
            import os, socket, struct
            number = os.environ['DISPLAY'].split(':')[1].split('.')[0]
            refused = 0
            for i in range(2000):
                client = socket.socket(socket.AF_UNIX)
                client.connect('/tmp/.X11-unix/X' + number)
                client.sendall(struct.pack('<BxHHHHxx18sxx16s', 108, 11, 0, 18, 16, b'MIT-MAGIC-COOKIE-1', os.urandom(16)))
                refused += client.recv(1) == b'\\0'
                client.close()
            print('refused', refused)
            """
        try withTalkativeServers("exec Xvnc \"$@\"") { agent in
            let number = try DisplayNumber(3211)
            let neighbour = try DisplayNumber(3212)
            for one in [number, neighbour] { try #require(try agent.make(one) == .displayReady) }
            let file = RunFolder(path: agent.run, isolation: .container).display(number).serverLog
            func written() -> String { text(of: file) ?? "" }
            // The file has the latest, whatever was before.
            while !written().contains("VNC extension running") { usleep(2000) }
            #expect(try agent.said(agent.python(attack), on: number) == "refused 2000\n")
            #expect(!written().contains("AUDIT"))
            #expect(written().utf8.count <= ServerLog.longest)
            try agent.expectShown(number)
            try agent.expectUsable(neighbour, session: 8)
            for one in [number, neighbour] {
                expectEnded(try agent.end(one))
                #expect(agent.traces(of: one) == [])
            }
        }
    }

    @Test("why a display's server ended is told, however much it had written")
    func lastWords() throws {
        try withTalkativeServers("echo no colours are left >&2; exit 1") { agent in
            let number = try DisplayNumber(3213)
            guard case .failed(let failure) = try agent.make(number) else {
                Issue.record("a display without a server")
                return
            }
            #expect(failure.kind == .displayFailed && failure.cause.hasSuffix("| no colours are left"))
            #expect(agent.traces(of: number) == [])
        }
    }
}
