import Glibc
import HostProtocol
import SessionModel
import TestServers
import Testing

@testable import Isolation

@Suite("a home that is not what it should be", .serialized)
struct HomeAttackTests {
    private func cause(_ reply: HostReply) -> String {
        if case .failed(let failure) = reply { return failure.cause }
        return "\(reply)"
    }

    @Test(
        "a link, another one's folder or no folder in a home's place is refused, and nothing of it is in the container",
        arguments: ["container", "none"])
    func place(isolation: String) throws {
        let number = isolation == "container" ? 3241 : 40_000 + Int(getpid() + 7) % 20_000
        try withDisplay(number, ["--isolation", isolation]) { agent, number in
            let away = agent.home + ".away"
            let bobs = String(agent.home.dropLast(5)) + "bob"
            mkdir(bobs, 0o755)
            chown(bobs, 10002, 10002)
            rename(agent.home, away)
            for target in [bobs, away, "/etc", "/root", "/proc/self/root"] {
                #expect(symlink(target, agent.home) == 0)
                let reply = try agent.start("true", on: number)
                expectFailure(reply, .homeUnavailable)
                #expect(cause(reply).contains("symbolic links"), "\(cause(reply))")
                unlink(agent.home)
            }
            rename(bobs, agent.home)
            let reply = try agent.start("true", on: number)
            expectFailure(reply, .homeUnavailable)
            #expect(cause(reply) == "home \(agent.home) belongs to uid 10002, not to alice")
            rename(agent.home, bobs)
            try writeFile(agent.home, [], mode: 0o666, owner: Agent.alice)
            expectFailure(try agent.start("true", on: number), .homeUnavailable)
            unlink(agent.home)
            #expect(mkfifo(agent.home, 0o666) == 0)
            expectFailure(try agent.start("true", on: number), .homeUnavailable)
            unlink(agent.home)
            if let first = agent.left(of: number).first, isolation == "container" {
                let mounts = try #require(text(of: "/proc/\(first.pid)/mountinfo"))
                #expect(!mounts.contains(bobs) && !mounts.contains(agent.home))
            }
            #expect(names(in: bobs) == [] && names(in: away) == [])
            rename(away, agent.home)
            #expect(try agent.start("true", on: number) == .applicationStarted)
            _ = try agent.exit()
            expectEnded(try agent.end(number))
        }
    }

    /// `home` as somebody's with this uid.
    private func account(_ home: String, uid: UInt32 = Agent.alice) throws -> Account {
        Account(
            name: try UserName("alice"), uid: uid, gid: uid, home: home, shell: "/bin/sh",
            groups: [.init(name: "alice", gid: uid)])
    }

    /// Hands `display` over to alice, whose home it says is `home`.
    private func start(_ home: String, _ agent: Agent, _ display: DisplayNumber) throws -> HostReply {
        var order = try agent.order("echo there", on: display, session: 7, geometry: .usual)
        order.account = try account(home)
        return try agent.ask(.startApplication(order))
    }

    /// The folder that the host of a test has to itself; root's.
    private func base(_ agent: Agent) -> String { PathParts(agent.home).parent }

    @Test(
        "a link on the way to a home that a user laid, or could have laid, leads root nowhere",
        arguments: [
            "the user's", "root's in the user's folder", "root's in a folder for all", "the user's in a sticky one",
        ])
    func above(link: String) throws {
        try withDisplay(3238) { agent, number in
            let lent: UInt32 = 2_100_918
            // It stands for a folder of the system's.
            let system = base(agent) + "/system"
            mkdir(system, 0o755)
            for (home, owner) in [("/alice", Agent.alice), ("/.shadow", 0), ("/.shadow/\(lent)", lent)] {
                mkdir(system + home, 0o755)
                chown(system + home, owner, owner)
            }
            chmod(agent.home, 0o755)
            let place: String
            switch link {
            case "root's in a folder for all", "the user's in a sticky one":
                place = base(agent) + "/all"
                mkdir(place, 0o755)
                chmod(place, link == "the user's in a sticky one" ? 0o1777 : 0o777)
            default: place = agent.home
            }
            let way = place + "/l"
            #expect(symlink(system, way) == 0)
            let owner = link.hasPrefix("root's") ? 0 : Agent.alice
            #expect(lchown(way, owner, owner) == 0)
            for home in ["ssh.service.d", "alice", ".shadow/\(lent + 1)"] {
                let reply = try agent.ask(.makeHome(account: account("\(way)/\(home)", uid: lent + 1)))
                expectFailure(reply, .homeUnavailable)
                #expect(cause(reply).contains("the link l on the way may be another's than root's"))
            }
            expectFailure(try start(way + "/alice", agent, number), .homeUnavailable)
            expectFailure(
                try agent.ask(.setQuota(uid: Agent.alice, soft: 0, hard: 0, home: way + "/alice")), .homeUnavailable)
            #expect(try agent.ask(.cleanAccount(account: account("\(way)/.shadow/\(lent)", uid: lent))) != .done)
            #expect(names(in: system).sorted() == [".shadow", "alice"] && names(in: system + "/alice") == [])
            #expect(names(in: system + "/.shadow") == ["\(lent)"])
            expectEnded(try agent.end(number))
        }
    }

    @Test(
        "links that only root can have laid lead to homes as ever",
        arguments: ["absolute", "relative", "one after the other", "in a folder like /tmp"])
    func administrators(link: String) throws {
        try withDisplay(3239) { agent, number in
            let base = base(agent)
            for folder in ["/data", "/data/homes", "/sticky"] { mkdir(base + folder, 0o755) }
            chmod(base + "/sticky", 0o1777)
            let way: String
            switch link {
            case "absolute":
                way = base + "/homes"
                #expect(symlink(base + "/data/homes", way) == 0)
            case "relative":
                way = base + "/data/way"
                #expect(symlink("../data/./homes/", way) == 0)
            case "one after the other":
                way = base + "/first/homes"
                #expect(symlink("second", base + "/first") == 0 && symlink(base + "/data", base + "/second") == 0)
            default:
                way = base + "/sticky/homes"
                #expect(symlink(base + "/data/homes", way) == 0)
            }
            let lent: UInt32 = 2_100_919
            let visitor = try account("\(way)/.shadow/\(lent)", uid: lent)
            #expect(try agent.ask(.makeHome(account: account(way + "/bob"))) == .done)
            #expect(try agent.ask(.makeHome(account: visitor)) == .done)
            #expect(names(in: base + "/data/homes").sorted() == [".shadow", "bob"])
            #expect(try agent.ask(.cleanAccount(account: visitor)) == .done)
            #expect(names(in: base + "/data/homes/.shadow") == [])
            #expect(try start(way + "/bob", agent, number) == .applicationStarted)
            _ = try agent.exit()
            #expect(text(of: base + "/data/homes/bob/data/sessions/7/app.log") == "there\n")
            expectEnded(try agent.end(number))
        }
    }

    @Test(
        "links of root's that lead into a folder of the system's, or in a circle, lead to no home",
        arguments: ["/etc", "../../etc", "/proc/self/root/etc", "circle"])
    func circleOrSystem(target: String) throws {
        try withDisplay(3240) { agent, number in
            let name = "mw-never-\(getpid())"
            let way = base(agent) + "/circle"
            #expect(symlink(target, way) == 0)
            let before = names(in: "/etc").sorted()
            for home in ["\(way)/\(name)", "\(way)/.shadow/2100920"] {
                expectFailure(
                    try agent.ask(.makeHome(account: account(home, uid: 2_100_920))),
                    target == "circle" ? .homeUnavailable : .refused)
            }
            let reply = try start("\(way)/\(name)", agent, number)
            expectFailure(reply, .homeUnavailable)
            let expected =
                target == "circle" ? "Too many levels of symbolic links" : "A home is in no folder of the system's."
            #expect(cause(reply).hasSuffix(expected), "\(cause(reply))")
            #expect(names(in: "/etc").sorted() == before)
            expectEnded(try agent.end(number))
        }
    }

    @Test(
        "a link in the way to the session's directory is not followed: nothing is written where it leads",
        arguments: ["data", "data/sessions", "data/sessions/7"], [true, false])
    func way(link: String, isAbsolute: Bool) throws {
        try withDisplay(3242) { agent, number in
            let parts = PathParts("\(agent.home)/\(link)")
            try makeFolders(parts.parent, 0o755)
            // It is there in the container too, beside the link, and alice may write to it.
            let target = parts.parent + "/target"
            try makeFolder(target, 0o755)
            try writeFile(target + "/kept", Array("old".utf8), mode: 0o644)
            #expect(symlink(isAbsolute ? target : "target", "\(agent.home)/\(link)") == 0)
            #expect(system("chown -hR \(Agent.alice):\(Agent.alice) \(agent.home)") == 0)
            let reply = try agent.start("true", on: number)
            expectFailure(reply, .homeUnavailable)
            #expect(cause(reply) == "open \(parts.name): Too many levels of symbolic links")
            #expect(names(in: target) == ["kept"] && text(of: target + "/kept") == "old")
            expectEnded(try agent.end(number))
            #expect(names(in: target) == ["kept"] && agent.traces(of: number) == [])
        }
    }

    @Test(
        "links, pipes and folders in the place of the session's own files change nothing elsewhere and hold nobody",
        arguments: ["resources", "parameters.hz", "app.log"], ["link", "pipe", "folder"])
    func files(name: String, kind: String) throws {
        try withDisplay(3243) { agent, number in
            // It is there in the container too, and alice may write it.
            let target = agent.home + "/target"
            try writeFile(target, Array("old".utf8), mode: 0o644)
            let folder = agent.home + "/data/sessions/7"
            try makeFolders(folder, 0o755)
            let file = folder + "/" + name
            switch kind {
            case "link": for place in [file, file + ".new"] { #expect(symlink(target, place) == 0) }
            case "pipe": #expect(mkfifo(file, 0o666) == 0)
            default: #expect(mkdir(file, 0o755) == 0)
            }
            #expect(system("chown -hR \(Agent.alice):\(Agent.alice) \(agent.home)") == 0)
            func start() throws -> HostReply {
                var order = try agent.order("cat resources $TOOL_PARAMETERS", on: number, session: 7, geometry: .usual)
                order.parameters = "parameters\n"
                return try agent.ask(.startApplication(order))
            }
            func expectRefused(_ expected: String) throws {
                let reply = try start()
                expectFailure(reply, .homeUnavailable)
                #expect(cause(reply) == expected)
                #expect(text(of: target) == "old")
            }
            // The log is opened as it lies there; the others are new files that take the place of what is no folder.
            switch (name, kind) {
            case ("app.log", "link"): try expectRefused("open app.log: Too many levels of symbolic links")
            case ("app.log", "pipe"):
                try expectRefused("open app.log: No such device or address")
                let reader = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
                try expectRefused("app.log is no plain file")
                close(reader)
            case ("app.log", _): try expectRefused("open app.log: Is a directory")
            case (_, "folder"): try expectRefused("write \(name): Is a directory")
            default: break
            }
            if name == "app.log" || kind == "folder" { #expect(remove(file) == 0) }
            #expect(try start() == .applicationStarted)
            _ = try agent.exit()
            var about = stat()
            #expect(lstat(file, &about) == 0 && about.st_mode & S_IFMT == S_IFREG)
            #expect(agent.file("7/app.log") == "sessionid 7\nparameters\n")
            expectEnded(try agent.end(number))
            #expect(text(of: target) == "old")
            #expect(agent.traces(of: number) == [])
        }
    }

    @Test("a session that puts links in its directory's place sends no picture, last words or renaming elsewhere")
    func later() throws {
        try withDisplay(3244) { agent, number in
            // As on a host with folders that alice may write outside of her container.
            let target = "/tmp/mw-target-\(getpid())"
            mkdir(target, 0o777)
            chmod(target, 0o777)
            defer { removeTree(target) }
            try writeFile(target + "/app.log", Array("somebody's words".utf8), mode: 0o644)
            #expect(
                try agent.start(
                    "cd; mv data/sessions/7 data/kept; ln -s \(target) data/sessions/7; mkfifo go; read line < go; exit 3",
                    on: number) == .applicationStarted)
            while access(agent.home + "/go", F_OK) != 0 { usleep(2000) }
            expectFailure(try agent.ask(.screenshot(display: number)), .homeUnavailable)
            close(open(agent.home + "/go", O_WRONLY))
            let end = try agent.exit()
            #expect(end.logTail == nil)
            expectEnded(try agent.end(number))
            #expect(names(in: target) == ["app.log"] && text(of: target + "/app.log") == "somebody's words")
            var about = stat()
            #expect(lstat(agent.home + "/data/sessions/7-expired", &about) == 0 && about.st_mode & S_IFMT == S_IFLNK)
            #expect(agent.traces(of: number) == [])
        }
    }

    @Test("a pipe in the place of a log holds neither the exit nor the end")
    func pipe() throws {
        try withDisplay(3245) { agent, number in
            #expect(
                try agent.start(
                    "cd; mkfifo pipe; mv data/sessions/7/app.log kept; mv pipe data/sessions/7/app.log; exit 3",
                    on: number) == .applicationStarted)
            let end = try agent.exit()
            #expect(end.status == 3 && end.logTail == nil)
            expectEnded(try agent.end(number))
            #expect(agent.traces(of: number) == [])
            #expect(access(agent.home + "/data/sessions/7-expired/app.log", F_OK) == 0)
        }
    }

    @Test("a display on which a start for one user has failed is nobody else's")
    func begun() throws {
        try withDisplay(3246) { agent, number in
            rename(agent.home, agent.home + ".away")
            expectFailure(try agent.start("true", on: number), .homeUnavailable)
            rename(agent.home + ".away", agent.home)
            var order = try agent.order("true", on: number, session: 9, geometry: .usual)
            try agent.makeBobs(&order)
            expectFailure(try agent.ask(.startApplication(order)), .displayBroken)
            #expect(try agent.start("true", on: number) == .applicationStarted)
            _ = try agent.exit()
            expectEnded(try agent.end(number))
        }
    }

    @Test("one that does not answer holds its own start, and nobody and nothing else")
    func hanging() throws {
        let place = "/tmp/mw-hang-\(getpid())"
        let server = try SilentFileSystem(at: place)
        defer { server.end() }
        try withDisplay(3247) { agent, hanging in
            let other = try DisplayNumber(3248)
            var order = try agent.order("true", on: hanging, session: 8, geometry: .usual)
            let account = order.account
            order.account = Account(
                name: account.name, uid: account.uid, gid: account.gid, home: place + "/alice", shell: "/bin/sh",
                groups: account.groups)
            try agent.send(.startApplication(order))
            server.awaitRequest()
            let began = now()
            #expect(try agent.ask(.ping) == .done)
            #expect(try agent.make(other) == .displayReady)
            #expect(try agent.said("echo fine", on: other) == "fine\n")
            try agent.send(.makeHome(account: order.account))
            #expect(try agent.inventory().count == 2)
            expectEnded(try agent.end(other))
            #expect(agent.traces(of: other) == [])
            #expect(now() - began < 9)
            for held in [try agent.reply(), try agent.reply()] {
                expectFailure(held, .homeUnavailable)
                #expect(cause(held) == "\(place)/alice does not answer")
            }
            expectEnded(try agent.end(hanging))
            #expect(!agent.exists(hanging))
            server.end()
            while agent.traces(of: hanging) != [] { usleep(5000) }
        }
    }

    @Test("one whose server stops in mid-session keeps neither its end nor another session waiting, and leaves nothing")
    func stopped() throws {
        try withDisplay(3249) { agent, hanging in
            let other = try DisplayNumber(3250)
            let real = agent.home + ".real"
            rename(agent.home, real)
            mkdir(agent.home, 0o755)
            let bindfs = try WatchedProcess(
                ["/usr/bin/bindfs", "-f", "-o", "allow_other", real, agent.home], log: agent.home + ".log")
            try bindfs.waitUntil { text(of: "/proc/self/mountinfo")?.contains(" \(agent.home) ") == true }
            let server = try #require(
                Agent.processes(with: real + " ").first { text(of: "/proc/\($0)/comm") == "bindfs\n" })
            defer {
                kill(server, SIGCONT)
                umount2(agent.home, Int32(MNT_DETACH))
                bindfs.stop()
            }
            try agent.begin(
                "trap '' HUP TERM; echo there; while :; do date > now; ls > all; cat now all > both; done", on: hanging)
            let inside = Agent.sharingNamespaces(of: try #require(agent.left(of: hanging).first).pid)
            kill(server, SIGSTOP)
            var order = try agent.order("echo fine", on: other, session: 9, geometry: .usual)
            try agent.makeBobs(&order)
            #expect(try agent.make(other) == .displayReady)
            #expect(try agent.ask(.startApplication(order)) == .applicationStarted)
            #expect(try agent.exit().session == SessionNumber(9))
            #expect(text(of: order.account.home + "/data/sessions/9/app.log") == "fine\n")
            try agent.send(.screenshot(display: hanging))
            expectEnded(try agent.end(other))
            #expect(agent.traces(of: other).filter { !$0.contains("fuse") } == [])
            guard case .failed = try agent.reply() else {
                Issue.record("a picture was written")
                return
            }
            expectEnded(try agent.ask(.endDisplay(display: hanging, key: Agent.key, patienceSeconds: 0.1)))
            #expect(!agent.exists(hanging))
            kill(server, SIGCONT)
            while inside.contains(where: { $0.isAlive }) { usleep(5000) }
            while !agent.traces(of: hanging).filter({ !$0.contains("fuse") }).isEmpty { usleep(5000) }
            #expect(try agent.inventory() == [])
        }
    }
}
