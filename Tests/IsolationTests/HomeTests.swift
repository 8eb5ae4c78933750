import FoundationEssentials
import Glibc
import HostProtocol
import SessionModel
import Testing

@testable import Isolation

@Suite("homes", .serialized)
struct HomeTests {
    private func account(_ home: String, uid: UInt32 = Agent.alice) throws -> Account {
        Account(
            name: try UserName("alice"), uid: uid, gid: uid, home: home, shell: "/bin/sh",
            groups: [.init(name: "alice", gid: uid)])
    }

    private func about(_ path: String) throws -> stat {
        var about = stat()
        guard lstat(path, &about) == 0 else { throw Agent.Gone() }
        return about
    }

    /// Where homes of a test are made.
    private func folder(_ agent: Agent) -> String { String(agent.run.dropLast(4)) + "/homes" }

    private func usage(_ agent: Agent, maxAge: Double = 0) throws -> HomeUsage {
        let reply = try agent.ask(.homeUsage(account: account(agent.home), maxAge: maxAge))
        guard case .homeUsage(let usage) = reply else {
            Issue.record("\(reply)")
            throw Agent.Gone()
        }
        return usage
    }

    private func write(_ path: String, kilobytes: Int, owner: UInt32 = Agent.alice) {
        let fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        let block = [UInt8](repeating: 7, count: 1024)
        for _ in 0..<kilobytes { _ = Glibc.write(fd, block, block.count) }
        fchown(fd, owner, owner)
        close(fd)
    }

    // MARK: Making

    @Test("a home is its user's alone, with what the skeleton has, and is made once")
    func made() throws {
        try withAgent { agent in
            mkdir(folder(agent), 0o755)
            let home = folder(agent) + "/bob"
            for _ in 0..<2 {
                #expect(try agent.ask(.makeHome(account: account(home))) == .done)
                let made = try about(home)
                #expect(made.st_uid == Agent.alice && made.st_gid == Agent.alice && made.st_mode == S_IFDIR | 0o700)
                #expect(names(in: home).sorted() == names(in: "/etc/skel").sorted())
                for name in names(in: home) {
                    #expect(try about(home + "/" + name).st_uid == Agent.alice)
                    #expect(contents(of: home + "/" + name) == contents(of: "/etc/skel/" + name))
                }
            }
            #expect(names(in: folder(agent)) == ["bob"])
            write(home + "/.bashrc", kilobytes: 1)
            chmod(home, 0o711)
            #expect(try agent.ask(.makeHome(account: account(home))) == .done)
            #expect(try about(home).st_mode == S_IFDIR | 0o711 && about(home + "/.bashrc").st_size == 1024)
        }
    }

    @Test(
        "a home that a crash left half made is finished, wherever it crashed",
        arguments: ["nothing in it", "some files", "all but the name"])
    func halfMade(crash: String) throws {
        try withAgent { agent in
            mkdir(folder(agent), 0o755)
            let (home, new) = (folder(agent) + "/bob", folder(agent) + "/.bob.maxwell-new")
            mkdir(new, 0o700)
            if crash != "nothing in it" {
                write(new + "/.bashrc", kilobytes: 1, owner: crash == "some files" ? 0 : Agent.alice)
            }
            if crash == "all but the name" { chown(new, Agent.alice, Agent.alice) }
            let bob = try account(home)
            #expect(try agent.ask(.makeHome(account: bob)) == .done)
            #expect(try about(home).st_uid == Agent.alice && about(home + "/.bashrc").st_uid == Agent.alice)
            if crash != "all but the name" {
                #expect(contents(of: home + "/.bashrc") == contents(of: "/etc/skel/.bashrc"))
            }
            #expect(names(in: folder(agent)) == ["bob"])
        }
    }

    @Test(
        "what has a home's name and is not its user's folder stays as it is, and is told",
        arguments: ["root's folder", "another's folder", "a link to a folder", "a file", "a stranger's half"])
    func inTheWay(what: String) throws {
        try withAgent { agent in
            mkdir(folder(agent), 0o755)
            let home = folder(agent) + "/bob"
            switch what {
            case "root's folder": mkdir(home, 0o700)
            case "another's folder":
                mkdir(home, 0o700)
                chown(home, Agent.alice + 1, Agent.alice + 1)
            case "a link to a folder": symlink(agent.home, home)
            case "a file": write(home, kilobytes: 1)
            default:
                mkdir(folder(agent) + "/.bob.maxwell-new", 0o700)
                chown(folder(agent) + "/.bob.maxwell-new", Agent.alice + 1, 0)
            }
            let before = try? about(home)
            let reply = try agent.ask(.makeHome(account: account(home)))
            expectFailure(reply, .homeUnavailable)
            let after = try? about(home)
            #expect(before?.st_uid == after?.st_uid && before?.st_mode == after?.st_mode)
            #expect(before?.st_ctim.tv_nsec == after?.st_ctim.tv_nsec)
            guard case .failed(let failure) = reply else { return }
            if what == "another's folder" { #expect(failure.cause.contains("belongs to uid \(Agent.alice + 1)")) }
        }
    }

    @Test("many who make the same home at once get one")
    func madeAtOnce() throws {
        try withAgent { agent in
            mkdir(folder(agent), 0o755)
            let people = (10..<30).map { "bob\($0)" }
            for person in people {
                let home = folder(agent) + "/" + person
                for _ in 0..<10 { try agent.send(.makeHome(account: account(home))) }
                for _ in 0..<10 { #expect(try agent.reply() == .done) }
                #expect(names(in: home).sorted() == names(in: "/etc/skel").sorted())
            }
            #expect(names(in: folder(agent)).sorted() == people)
        }
    }

    // MARK: Usage

    @Test("files are counted as they lie there: links once, holes not, nothing behind links or of other file systems")
    func counted() throws {
        try withAgent { agent in
            let empty = try usage(agent)
            #expect(empty.source == .measured && empty.softLimit == 0 && empty.hardLimit == 0 && empty.free > 0)
            write(agent.home + "/one", kilobytes: 400)
            for name in ["two", "three"] { link(agent.home + "/one", agent.home + "/" + name) }
            let hole = open(agent.home + "/hole", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            ftruncate(hole, 1 << 30)
            close(hole)
            symlink("/usr", agent.home + "/usr")
            mkdir(agent.home + "/other", 0o700)
            try #require(mount("tmpfs", agent.home + "/other", "tmpfs", 0, "size=4m") == 0)
            defer { umount2(agent.home + "/other", Int32(MNT_DETACH)) }
            write(agent.home + "/other/large", kilobytes: 3000)
            mkdir(agent.home + "/sub", 0o700)
            chown(agent.home + "/sub", Agent.alice, Agent.alice)
            write(agent.home + "/sub/four", kilobytes: 100)
            let full = try usage(agent)
            // Folders take a block or so each.
            #expect((500 * 1024...530 * 1024).contains(Int(full.used) - Int(empty.used)), "\(full.used)")
        }
    }

    @Test("a figure is kept as long as the asker likes, and survives the agent")
    func kept() throws {
        try withAgent { agent in
            let first = try usage(agent, maxAge: 600)
            write(agent.home + "/more", kilobytes: 100)
            #expect(try usage(agent, maxAge: 600) == first)
            agent.stop()
            try agent.start()
            #expect(try usage(agent, maxAge: 600) == first)
            #expect(try usage(agent, maxAge: 0).used > first.used)
            var file = stat()
            #expect(stat("\(agent.run)/usage/\(Agent.alice)", &file) == 0 && file.st_mode & 0o077 == 0)
        }
    }

    @Test("a home that is not there has no figure, and a tree that is too deep for paths is counted as far as it goes")
    func strange() throws {
        try withAgent { agent in
            expectFailure(
                try agent.ask(.homeUsage(account: account(agent.home + ".not"), maxAge: 600)), .homeUnavailable)
            try deepTree(agent.home, depth: 1000)
            #expect(try usage(agent).used > 0)
            #expect(try agent.ask(.ping) == .done)
        }
    }

    @Test("where a file system has no quota, setting one is refused with the cause, at once")
    func noQuota() throws {
        try withAgent { agent in
            for home in [agent.home, agent.home + ".not"] {
                let reply = try agent.ask(.setQuota(uid: Agent.alice, soft: 1000, hard: 2000, home: home))
                expectFailure(reply, .refused)
                guard case .failed(let failure) = reply else { return }
                #expect(failure.cause.contains("quotactl_fd"))
            }
            expectFailure(try agent.ask(.setQuota(uid: 0, soft: 0, hard: 0, home: agent.home)), .refused)
        }
    }

    // MARK: Cleaning

    /// A tree of folders, each in the one before, deeper than a path may be long.
    private func deepTree(_ path: String, depth: Int, owner: UInt32 = Agent.alice) throws {
        var folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        for _ in 0..<depth {
            mkdirat(folder, "deeper-and-deeper", 0o700)
            let next = openat(folder, "deeper-and-deeper", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard next >= 0 else { throw Agent.Gone() }
            fchown(next, owner, owner)
            close(folder)
            folder = next
        }
        close(folder)
    }

    private static let lent: UInt32 = 2_100_917

    private func lentHome(_ agent: Agent) throws -> Account {
        mkdir(folder(agent), 0o755)
        let home = "\(folder(agent))/.shadow/\(Self.lent)"
        let lent = try account(home, uid: Self.lent)
        #expect(try agent.ask(.makeHome(account: lent)) == .done)
        #expect(try about(folder(agent) + "/.shadow").st_mode == S_IFDIR | 0o711)
        return lent
    }

    /// A process of the lent uid that ignores every signal there is.
    private func stubborn() throws -> ProcessIdentity {
        var pid: pid_t = 0
        let script = "trap '' HUP INT TERM QUIT USR1 USR2; while :; do sleep 1000; done"
        let words = [
            "setpriv", "--reuid", "\(Self.lent)", "--regid", "\(Self.lent)", "--clear-groups", "sh", "-c", script,
        ]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for word in arguments { free(word) } }
        guard posix_spawn(&pid, "/usr/bin/setpriv", nil, nil, &arguments, nil) == 0 else { throw Agent.Gone() }
        let limit = now() + 10
        while runningUser(of: pid) != Self.lent, now() < limit { usleep(2000) }
        return try #require(ProcessIdentity(pid))
    }

    @Test("a lent uid is clean: its processes are gone, its home too, whatever lay in it, and nothing else")
    func cleaned() throws {
        try withAgent { agent in
            let lent = try lentHome(agent)
            let figure = "\(agent.run)/usage/\(Self.lent)"
            guard case .homeUsage(let first) = try agent.ask(.homeUsage(account: lent, maxAge: 600)) else {
                throw Agent.Gone()
            }
            #expect(access(figure, F_OK) == 0)
            // Whoever has the uid next is not told what the one before had, even where that figure was not removed.
            write(lent.home + "/more", kilobytes: 64, owner: Self.lent)
            let next = Account(
                name: UserName(known: "carol"), uid: lent.uid, gid: lent.gid, home: lent.home, shell: lent.shell,
                groups: lent.groups)
            #expect(try agent.ask(.homeUsage(account: lent, maxAge: 600)) == .homeUsage(first))
            guard case .homeUsage(let second) = try agent.ask(.homeUsage(account: next, maxAge: 600)) else {
                throw Agent.Gone()
            }
            #expect(second.used >= first.used + 65_536)
            let process = try stubborn()
            let victim = agent.home + "/precious"
            write(victim, kilobytes: 1)
            try deepTree(lent.home, depth: 1000, owner: Self.lent)
            symlink(agent.home, lent.home + "/link")
            symlink(victim, lent.home + "/file")
            mkfifo(lent.home + "/fifo", 0o600)
            // A name that is no UTF-8, and a folder that its owner closed.
            let odd: [CChar] = [CChar(bitPattern: 0xFF), CChar(bitPattern: 0xFE), 0]
            let home = open(lent.home, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            let file = openat(home, odd, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            fchown(file, Self.lent, Self.lent)
            close(file)
            mkdirat(home, "closed", 0o700)
            close(home)
            write(lent.home + "/closed/file", kilobytes: 1, owner: Self.lent)
            symlink(agent.home, lent.home + "/closed/link")
            for name in ["/link", "/file", "/fifo", "/closed", "/closed/link"] {
                lchown(lent.home + name, Self.lent, Self.lent)
            }
            for name in ["/closed", ""] { chmod(lent.home + name, 0) }
            let reply = try agent.ask(.cleanAccount(account: lent))
            #expect(reply == .done, "\(reply)")
            #expect(access(lent.home, F_OK) != 0 && errno == ENOENT)
            #expect(access(figure, F_OK) != 0 && errno == ENOENT)
            var status: Int32 = 0
            #expect(waitpid(process.pid, &status, 0) == process.pid && status & 0x7F == SIGKILL)
            #expect(try about(victim).st_size == 1024)
            #expect(try agent.ask(.cleanAccount(account: lent)) == .done)
            #expect(try agent.ask(.makeHome(account: lent)) == .done)
            #expect(names(in: lent.home).sorted() == names(in: "/etc/skel").sorted())
        }
    }

    @Test("what another file system has stays, and the uid is not clean until it is gone")
    func otherFileSystem() throws {
        try withAgent { agent in
            let lent = try lentHome(agent)
            mkdir(lent.home + "/mounted", 0o755)
            chown(lent.home + "/mounted", Self.lent, Self.lent)
            // Among the agent's mounts too.
            try #require(mount("tmpfs", lent.home + "/mounted", "tmpfs", 0, "size=1m") == 0)
            write(lent.home + "/mounted/precious", kilobytes: 1, owner: Self.lent)
            expectFailure(try agent.ask(.cleanAccount(account: lent)), .internalError)
            #expect(try about(lent.home + "/mounted/precious").st_size == 1024)
            #expect(umount2(lent.home + "/mounted", 0) == 0)
            #expect(try agent.ask(.cleanAccount(account: lent)) == .done)
        }
    }

    @Test("nobody's home is cleaned but one of a lent uid, by its number")
    func notLent() throws {
        try withAgent { agent in
            let lent = try lentHome(agent)
            let cases = [
                try account(agent.home), try account(lent.home), try account(lent.home, uid: Self.lent + 1),
                try account(folder(agent) + "/.shadow", uid: Self.lent),
                try account("\(folder(agent))/.shadow/../\(Self.lent)", uid: Self.lent),
                try account("/.shadow/0", uid: 0), try account("/home/.shadow/999", uid: 999),
            ]
            for account in cases { expectFailure(try agent.ask(.cleanAccount(account: account)), .refused) }
            #expect(access(lent.home, F_OK) == 0 && access(agent.home, F_OK) == 0)
        }
    }

    // MARK: Purging

    @Test("a purge removes what ended sessions left and nobody changed since, following no link")
    func purged() throws {
        try withAgent { agent in
            let (data, alice) = (agent.home + "/data", try account(agent.home))
            for folder in [
                "", "/results", "/results/1", "/results/1/a", "/results/2", "/results/7", "/sessions",
                "/sessions/1-expired", "/sessions/2-expired", "/sessions/7", "/sessions/x-expired", "/other",
            ] {
                mkdir(data + folder, 0o755)
            }
            write(agent.home + "/precious", kilobytes: 1)
            write(data + "/results/1/a/run.xml", kilobytes: 1)
            symlink(agent.home, data + "/results/1/link")
            symlink(agent.home, data + "/results/9")
            #expect(system("chown -hR \(Agent.alice):\(Agent.alice) \(data)") == 0)
            let old = ["results/1", "results/7", "results/9", "sessions/1-expired"].map { "\(data)/\($0)" }
            #expect(system("touch -hd '10 days ago' \(old.joined(separator: " "))") == 0)
            let live = [SessionNumber(7)]
            #expect(try agent.ask(.purge(account: alice, days: 30, live: live)) == .done)
            #expect(names(in: data + "/results").count == 4)
            #expect(try agent.ask(.purge(account: alice, days: 7, live: live)) == .done)
            #expect(names(in: data + "/results").sorted() == ["2", "7"])
            #expect(names(in: data + "/sessions").sorted() == ["2-expired", "7", "x-expired"])
            #expect(try agent.ask(.purge(account: alice, days: 0, live: live)) == .done)
            #expect(names(in: data + "/results").sorted() == ["7"])
            #expect(names(in: data + "/sessions").sorted() == ["7", "x-expired"])
            #expect(access(data + "/other", F_OK) == 0 && access(agent.home + "/precious", F_OK) == 0)
        }
    }

    @Test("a user whose results are a link to somebody else's gains nothing by a purge")
    func purgedLink() throws {
        try withAgent { agent in
            let (victim, alice) = (folder(agent), try account(agent.home))
            for part in ["", "/results", "/results/1"] { mkdir(victim + part, 0o777) }
            chmod(victim + "/results", 0o777)
            symlink(victim, agent.home + "/data")
            #expect(try agent.ask(.purge(account: alice, days: 0, live: [])) == .done)
            #expect(access(victim + "/results/1", F_OK) == 0)
            unlink(agent.home + "/data")
            mkdir(agent.home + "/data", 0o755)
            symlink(victim + "/results", agent.home + "/data/results")
            #expect(try agent.ask(.purge(account: alice, days: 0, live: [])) == .done)
            #expect(access(victim + "/results/1", F_OK) == 0)
        }
    }

    // MARK: Homes that hang

    @Test("a home that does not answer keeps only those who ask for it waiting")
    func hangs() throws {
        try withAgent { agent in
            let silent = try SilentFileSystem(at: folder(agent))
            defer { silent.end() }
            let home = folder(agent) + "/bob"
            try agent.send(.homeUsage(account: account(home, uid: Agent.alice + 1), maxAge: 600))
            try agent.send(.setQuota(uid: Agent.alice + 1, soft: 0, hard: 0, home: home))
            #expect(try agent.ask(.ping) == .done)
            #expect(try usage(agent).used > 0)
            expectFailure(try agent.reply(), .homeUnavailable)
            expectFailure(try agent.reply(), .tooOften)
        }
    }
}
