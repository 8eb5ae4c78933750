import CLinux
import FoundationEssentials
import Glibc
import HostProtocol
import SessionModel

extension Keeper {
    /// Starts the display server, in its container, and answers when it shows a pixel.
    func make(_ order: DisplayOrder, _ debt: Debt) {
        self.order = order
        making = debt
        written.template = run.template
        written.key = order.key
        written.boot = RunFolder.kernelBoot
        do throws(HostFailure) {
            try startServer(order)
        } catch {
            return failMaking(error)
        }
        awaitSign(until: now() + 10)
    }

    private func startServer(_ order: DisplayOrder) throws(HostFailure) {
        guard order.uid != 0, [8, 16, 24].contains(order.depth), (1...8).contains(order.password.exposed.utf8.count)
        else { throw HostFailure(.refused, "uid, depth or password out of range") }
        try makeFolder(folder.server, 0o700)
        var generator = SystemRandomNumberGenerator()
        cookie = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        try writeForServer("auth", Container.authority(display: number, cookie: cookie), order)
        try writeForServer("passwd", Container.passwordFile(order.password), order)
        guard chown(folder.server, order.uid, order.uid) == 0 else { throw failure("chown") }
        let door = try listenUnix(folder.door, SOCK_DGRAM)
        loop.watch(door) { [self] _ in admit(door) }
        if run.isolation == .container {
            groups = ControlGroups(making: run.groupName(of: number), parts: ControlGroups.Part.allCases)
            groups.boundServer()
        }
        written.groups = groups.folders
        try writeState()

        var output: [Int32] = [-1, -1]
        guard clinux_pipe(&output) == 0 else { throw failure("pipe") }
        let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer {
            close(output[1])
            close(input)
        }
        guard input >= 0 else { throw failure("open /dev/null") }
        // Nothing that Xvnc writes gets lost because the pipe is full.
        _ = fcntl(output[1], F_SETFL, 0)
        serverLog = try ServerLog(folder.serverLog, from: output[0], loop: loop)
        switch run.isolation {
        case .none:
            server = try launch(
                Container.plain(order, run.displayServer, folder), environment: plainEnvironment,
                descriptors: [input, output[1], output[1]]
            ) {
                setsid()
                ProcessLimits.leaveNoCore()
            }
            written.first = server.flatMap { ProcessIdentity($0) }
        case .container:
            var filter: [Int32] = [-1, -1]
            var information: [Int32] = [-1, -1]
            guard pipe(&filter) == 0, pipe(&information) == 0 else { throw failure("pipe") }
            let whole = writeAll(SyscallFilter.strict.bytes, to: filter[1])
            close(filter[1])
            defer {
                close(filter[0])
                close(information[0])
            }
            let sight = ContainerSight(in: folder.sight)
            try sight.prepare()
            let groups = self.groups
            let began: Int32
            do throws(HostFailure) {
                guard whole else { throw failure("pipe") }
                began = try launch(
                    Container.wrapped(order, run.displayServer, folder, sight, filter: 3, information: 4),
                    environment: plainEnvironment,
                    descriptors: [input, output[1], output[1], filter[0], information[1]]
                ) {
                    groups.enter(.server)
                    ProcessLimits.leaveNoCore()
                }
            } catch {
                close(information[1])
                throw error
            }
            close(information[1])
            server = began
            var told: [UInt8] = []
            var part = [UInt8](repeating: 0, count: 512)
            while true {
                let count = read(information[0], &part, part.count)
                if count < 0 && errno == EINTR { continue }
                if count <= 0 { break }
                told += part[..<count]
            }
            struct Information: Decodable {
                let pid: Int32
                enum CodingKeys: String, CodingKey { case pid = "child-pid" }
            }
            guard let inner: Information = decoded(told) else {
                throw HostFailure(.displayFailed, "bubblewrap did not start: \(serverLogTail())")
            }
            written.first = ProcessIdentity(inner.pid)
        }
        try writeState()
    }

    /// Writes a file that Xvnc reads and cannot make longer.
    private func writeForServer(_ name: String, _ bytes: [UInt8], _ order: DisplayOrder) throws(HostFailure) {
        let file = folder.server + "/" + name
        try writeFile(file, bytes, mode: 0o640)
        guard chown(file, 0, order.uid) == 0 else { throw failure("chown \(file)") }
    }

    /// Takes its folder from Xvnc, which has made its socket there by now: one that is taken over later makes no file in
    /// the run folder, which is memory of the whole host's.
    private func closeServerFolder(_ order: DisplayOrder) throws(HostFailure) {
        guard chmod(folder.server, 0o750) == 0, chown(folder.server, 0, order.uid) == 0 else {
            throw failure("chown \(folder.server)")
        }
    }

    /// Answers when the display has been shown to live, to a client of our own that then stays.
    private func awaitSign(until deadline: Double) {
        guard making != nil else { return }
        if serverGone { return failMaking(PlainDisplay.failure(log: serverLogTail())) }
        if now() > deadline { return failMaking(HostFailure(.displayFailed, "Xvnc is silent: \(serverLogTail())")) }
        guard let order, let socket = connectUnix(folder.rfb, boundBy: order.uid) else {
            loop.after(0.002) { [self] in awaitSign(until: deadline) }
            return
        }
        connection = DisplayConnection(
            loop: loop, socket: socket, password: order.password, waits: order.waits, within: deadline - now()
        ) { [self] fault in
            guard let debt = making else { return }
            if let fault {
                // Where Xvnc has ended, its exit shows a moment later and tells more.
                loop.after(0.05) { [self] in
                    if serverGone { return failMaking(PlainDisplay.failure(log: serverLogTail())) }
                    failMaking(HostFailure(.displayFailed, "no sign of life: \(fault): \(serverLogTail())"))
                }
                return
            }
            do throws(HostFailure) { try closeServerFolder(order) } catch { return failMaking(error) }
            making = nil
            state = .ready
            waitingLaunch = try? WaitingLaunch(in: groups)
            pay(debt, .displayReady)
            noteState()
        }
    }

    private func failMaking(_ failure: HostFailure) {
        guard let debt = making else { return }
        making = nil
        log("display \(number): \(failure.kind.rawValue): \(failure.cause)")
        state = .ending
        clean { [self] in
            pay(debt, .failed(failure))
            loop.stop()
        }
    }
}
