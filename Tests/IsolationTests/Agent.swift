import FoundationEssentials
import Glibc
import HostProtocol
import SessionModel
import TestServers
import Testing
import UnixSockets

@testable import Isolation

/// A `maxwell-host serve` of our own over a pair of pipes, with a run folder and a home of its own.
final class Agent {
    struct Gone: Error {}

    let run: String
    let home: String
    private var process: Int32 = 0
    private var input: Int32 = -1
    private var output: Int32 = -1
    private var received: [UInt8] = []
    private var lastID: UInt64 = 0
    private(set) var hello: HostHello?
    /// What came besides the replies that were asked for.
    private(set) var events: [HostMessage] = []

    private let options: [String]
    private let bound: [String: String]
    private let within: [String]

    /// Starts a host that nobody else uses, with `options`; `disk` is the size of a file system for its run folder,
    /// `bound` what its machine has at some places in place of what is there, `within` the words that execute it
    /// somewhere else.
    init(
        _ options: [String] = [], disk: String? = nil, bound: [String: String] = [:], within: [String] = []
    ) throws {
        let folder = "/tmp/mw-\(Secret.token().exposed.prefix(8))"
        run = folder + "/run"
        home = folder + "/alice"
        mkdir(folder, 0o755)
        mkdir(home, 0o700)
        chown(home, Self.alice, Self.alice)
        self.options = options
        self.bound = bound
        self.within = within
        if let disk {
            mkdir(run, 0o755)
            guard mount("tmpfs", run, "tmpfs", 0, "size=\(disk)") == 0 else { throw Gone() }
        }
        try start()
    }

    static let alice: UInt32 = 10001

    static let program = builtProgram("maxwell-host")

    /// Starts `serve`, and reads its first line.
    func start() throws {
        var there: [Int32] = [-1, -1]
        var back: [Int32] = [-1, -1]
        guard pipe(&there) == 0, pipe(&back) == 0 else { throw Gone() }
        for fd in there + back { _ = fcntl(fd, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, there[0], 0)
        posix_spawn_file_actions_adddup2(&actions, back[1], 1)
        var words = within + [Self.program, "--run", run] + options + ["serve"]
        if !bound.isEmpty {
            let binds = bound.map { "mount --bind \($0.value) \($0.key)" }
            let script = (binds + ["exec \"$@\""]).joined(separator: " && ")
            words = ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script, "sh"] + words
        }
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { (word: String) in strdup(word) }
        arguments.append(nil)
        var environment: [UnsafeMutablePointer<CChar>?] = [strdup("PATH=/usr/bin:/bin"), nil]
        defer { for text in arguments + environment { free(text) } }
        // A channel that ends while we write is an error of write(2), and nothing that the host inherits.
        _ = signal(SIGPIPE, SIG_IGN)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var usual = sigset_t()
        sigaddset(&usual, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &usual)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))
        guard posix_spawn(&process, words[0], &actions, &attributes, &arguments, &environment) == 0 else {
            throw Gone()
        }
        close(there[0])
        close(back[1])
        input = there[1]
        output = back[0]
        events = []
        received = []
        guard case .hello(let hello) = try next() else { throw Gone() }
        self.hello = hello
    }

    /// Ends `serve` with `signal`, or by closing its input.
    func stop(_ signal: Int32? = nil) {
        if let signal { kill(process, signal) }
        close(input)
        close(output)
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }

    /// The next message, whatever it is.
    func next() throws -> HostMessage {
        while true {
            if let end = received.firstIndex(of: 10) {
                let line = Data(received[..<end])
                received.removeFirst(end + 1)
                return try JSONDecoder().decode(HostMessage.self, from: line)
            }
            var part = [UInt8](repeating: 0, count: 65536)
            var polled = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            guard poll(&polled, 1, 15_000) > 0 else { throw Gone() }
            let count = read(output, &part, part.count)
            guard count > 0 else { throw Gone() }
            received += part[..<count]
        }
    }

    /// The next event that is not the load, which comes at any time. A browser's end comes late in an emulated machine.
    func event() throws -> HostMessage {
        let deadline = ContinuousClock.now + .seconds(240)
        while ContinuousClock.now < deadline {
            let message = events.isEmpty ? try next() : events.removeFirst()
            if case .load = message { continue }
            return message
        }
        throw Gone()
    }

    /// What was told and not heard yet, but for the load.
    var news: [HostMessage] { events.filter { if case .load = $0 { false } else { true } } }

    /// The load, when it is told next.
    func load() throws -> HostLoad {
        while true {
            let message = try next()
            if case .load(let load) = message { return load }
            events.append(message)
        }
    }

    /// The application's account, when it has ended by itself.
    func exit() throws -> DisplayEnd {
        guard case .applicationExited(let end) = try event() else { throw Gone() }
        return end
    }

    /// One request, whose reply will be an event.
    func send(_ request: HostRequest) throws {
        lastID += 1
        let line = Array(try JSONEncoder().encode(HostCall(id: lastID, request: request))) + [10]
        guard write(input, line, line.count) == line.count else { throw Gone() }
    }

    /// Any bytes, as a line.
    func say(_ text: String, ending: String = "\n") throws {
        let bytes = Array((text + ending).utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { write(input, $0.baseAddress, $0.count) }
            guard count > 0 else { throw Gone() }
            sent += count
        }
    }

    /// Any line with the number `id`, and the reply to that.
    func ask(line: String, id: UInt64) throws -> HostReply {
        try say(line)
        while true {
            let message = try next()
            if case .reply(id, let reply) = message { return reply }
            events.append(message)
        }
    }

    /// One request and its reply.
    func ask(_ request: HostRequest) throws -> HostReply {
        try send(request)
        while true {
            let message = try next()
            if case .reply(let id, let reply) = message, id == lastID { return reply }
            events.append(message)
        }
    }

    static let key = Secret("0123456789abcdef0123456789abcdef")

    func make(_ number: DisplayNumber, geometry: Geometry = .usual, waits: Bool = false) throws -> HostReply {
        try ask(
            .makeDisplay(
                DisplayOrder(
                    display: number, geometry: geometry, depth: 24, withGL: false,
                    uid: 2_000_000 + UInt32(number.value),
                    password: Secret("abcd1234"), key: Self.key, waits: waits)))
    }

    /// What starts `command` as the user alice.
    func order(
        _ command: String, on number: DisplayNumber, session: UInt64, geometry: Geometry
    ) throws -> ApplicationOrder {
        let account = Account(
            name: try UserName("alice"), uid: Self.alice, gid: Self.alice, home: home, shell: "/bin/sh",
            groups: [.init(name: "alice", gid: Self.alice), .init(name: "science", gid: 20001)])
        return ApplicationOrder(
            display: number, session: SessionNumber(session), account: account, command: command, geometry: geometry,
            resources: Secret("sessionid 7\n"), parameters: nil, environment: [:])
    }

    func start(
        _ command: String, on number: DisplayNumber, session: UInt64 = 7, geometry: Geometry = .usual
    ) throws -> HostReply {
        try ask(.startApplication(order(command, on: number, session: session, geometry: geometry)))
    }

    func end(_ number: DisplayNumber) throws -> HostReply { try ask(.endDisplay(display: number, patienceSeconds: 2)) }

    /// The account of the session on a display.
    func account(_ number: DisplayNumber) throws -> DisplayEnd {
        guard case .account(let account) = try ask(.account(display: number, key: Self.key)) else { throw Gone() }
        return account
    }

    /// What runs there now.
    func inventory() throws -> [DisplayReport] {
        guard case .inventory(let reports) = try ask(.inventory) else { throw Gone() }
        return reports
    }

    /// The reply of a request that was sent before the last.
    func reply() throws -> HostReply {
        guard case .reply(_, let reply) = try event() else { throw Gone() }
        return reply
    }

    /// What a keeper has written down.
    func left(of number: DisplayNumber) -> KeeperState {
        RunFolder(path: run, isolation: .container).left(of: number)
    }

    /// What a program of X prints, in a display's container with the session's cookie.
    func inside(_ number: DisplayNumber, _ words: [String]) throws -> String {
        guard let first = left(of: number).first else { throw Gone() }
        return try runCommand(
            [
                "/usr/bin/nsenter", "-t", "\(first.pid)", "-m", "/usr/bin/env", "DISPLAY=:\(number)",
                "XAUTHORITY=/run/maxwell/auth",
            ] + words
        ).output
    }

    /// What the data socket answers to `line`: everything until `bytes` came or the end.
    func data(_ line: String, bytes: Int = 100) throws -> String {
        let fd = try connection(line)
        defer { close(fd) }
        var answer: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 100)
        while answer.count < bytes {
            let count = read(fd, &part, part.count)
            if count <= 0 { break }
            answer += part[..<count]
        }
        return String(decoding: answer, as: UTF8.self)
    }

    /// A connection to the data socket that has sent `line`, to be closed.
    func connection(_ line: String) throws -> Int32 {
        let fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let connected = UnixAddress(path: run + "/data.sock")?.withPointer { connect(fd, $0, $1) }
        let words = Array(line.utf8)
        guard connected == 0, write(fd, words, words.count) == words.count else {
            close(fd)
            throw Gone()
        }
        return fd
    }

    /// What one of the session's files holds.
    func file(_ name: String) -> String {
        (try? String(contentsOfFile: home + "/data/sessions/" + name, encoding: .utf8)) ?? ""
    }

    /// The folder of a display on the host.
    func exists(_ number: DisplayNumber) -> Bool { access("\(run)/displays/\(number)", F_OK) == 0 }

    /// The processes of the machine whose command line has `word`, zombies excluded.
    static func processes(with word: String) -> [Int32] {
        guard let all = try? FileManager.default.contentsOfDirectory(atPath: "/proc") else { return [] }
        return all.compactMap { Int32($0) }.filter { pid in
            guard pid != getpid(), let fd = Optional(open("/proc/\(pid)/cmdline", O_RDONLY)), fd >= 0 else {
                return false
            }
            defer { close(fd) }
            var part = [UInt8](repeating: 0, count: 65536)
            let count = read(fd, &part, part.count)
            let line = String(decoding: part.prefix(max(count, 0)).map { $0 == 0 ? 32 : $0 }, as: UTF8.self)
            return line.contains(word)
        }
    }

    /// The process of ours with these words: `data`, or `keep N`.
    func processes(_ words: String) -> [Int32] {
        Self.processes(with: "--run \(run) ").filter { pid in
            guard let line = contents(of: "/proc/\(pid)/cmdline") else { return false }
            return String(decoding: line.map { $0 == 0 ? 32 : $0 }, as: UTF8.self).hasSuffix(" \(words) ")
        }
    }

    private func groups(of number: DisplayNumber) -> [String] {
        let group = RunFolder(path: run, isolation: .container).groupName(of: number)
        return ControlGroups.parents().map { "\($0)/maxwell/\(group)" }
    }

    /// CPU seconds of everything in a display since it was made.
    func cpuSeconds(of number: DisplayNumber) -> Double? { ControlGroups(folders: groups(of: number)).cpuSeconds }

    /// A display's wrappers, its Xvnc and its application, the first started first: ours, whatever other hosts run on this machine.
    func serverProcesses(of number: DisplayNumber) -> [Int32] {
        let inside = ControlGroups(folders: groups(of: number)).members
        return Set(inside + Self.processes(with: "\(run)/displays/\(number)/")).sorted()
    }

    /// Everything that is left of a display: processes, folders, cgroups, mounts.
    func traces(of number: DisplayNumber) -> [String] {
        let processes = serverProcesses(of: number) + self.processes("keep \(number)")
        let folders = groups(of: number) + ["\(run)/displays/\(number)"]
        let mounts = text(of: "/proc/self/mountinfo")?.split(separator: "\n") ?? []
        return processes.map { "process \($0)" } + folders.filter { access($0, F_OK) == 0 }
            + mounts.filter { $0.contains("\(run)/displays/\(number)") || $0.contains(home) }.map(String.init)
    }

    /// The processes of the machine inside the same mounts as `pid` is.
    static func sharingMounts(of pid: Int32) -> [Int32] {
        let own = namespaces(of: pid).filter { $0.hasPrefix("mnt:") }
        return names(in: "/proc").compactMap { Int32($0) }.filter { !namespaces(of: $0).isDisjoint(with: own) }
    }

    /// The processes of the machine in any namespace of the container in which `pid` is.
    static func sharingNamespaces(of pid: Int32) -> [ProcessIdentity] {
        let own = namespaces(of: pid)
        return names(in: "/proc").compactMap { Int32($0) }.filter { !namespaces(of: $0).isDisjoint(with: own) }
            .compactMap { ProcessIdentity($0) }
    }

    /// The namespaces of `pid` that are not the machine's own.
    static func namespaces(of pid: Int32) -> Set<String> {
        func spaces(_ pid: Int32) -> Set<String> {
            Set(
                ["mnt", "pid", "net", "ipc", "uts"].compactMap {
                    try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/ns/\($0)")
                })
        }
        return spaces(pid).subtracting(spaces(getpid()))
    }

    /// Fills the run folder's file system to the last byte.
    func fillDisk() {
        let fd = open(run + "/filler", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        let part = [UInt8](repeating: 1, count: 4096)
        while write(fd, part, part.count) > 0 {}
        close(fd)
    }

    /// Ends what the test left: `serve`, the data process of this run folder, and displays with their cgroups.
    func tearDown() {
        let ours = "-" + RunFolder(path: run, isolation: .container).bootID().suffix(8)
        stop()
        // One that was just being executed had no words to be known by: until none is seen twice.
        var quiet = 0
        let limit = now() + 10
        while quiet < 2, now() < limit {
            let left = Self.processes(with: "--run \(run) ")
            for pid in left { kill(pid, SIGKILL) }
            quiet = left.isEmpty ? quiet + 1 : 0
            usleep(5000)
        }
        let groups = ControlGroups(
            folders: ControlGroups.parents().flatMap { parent in
                names(in: parent + "/maxwell").filter { $0.hasSuffix(ours) }.map { "\(parent)/maxwell/\($0)" }
            })
        let deadline = now() + 10
        while !groups.remove(), now() < deadline {
            for pid in groups.members { kill(pid, SIGKILL) }
            usleep(2000)
        }
        umount2(run, Int32(MNT_DETACH))
        // Trees deeper than a path may be long among it.
        removeTree(String(run.dropLast(4)))
    }
}
