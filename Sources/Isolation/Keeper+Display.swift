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
        try writeFile(
            folder.server + "/auth", Container.authority(display: number, cookie: cookie), owner: order.uid)
        try writeFile(
            folder.server + "/passwd", Container.passwordFile(order.password), owner: order.uid)
        guard chown(folder.server, order.uid, order.uid) == 0 else { throw failure("chown") }
        let door = try listenUnix(folder.door, SOCK_DGRAM)
        loop.watch(door) { [self] _ in admit(door) }
        if run.isolation == .container {
            groups = ControlGroups(making: run.groupName(of: number), parts: ControlGroups.Part.allCases)
            groups.boundServer()
        }
        written.groups = groups.folders
        try writeState()

        let output = open(folder.serverLog, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o600)
        let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard output >= 0, input >= 0 else { throw failure("open \(folder.serverLog)") }
        defer {
            close(output)
            close(input)
        }
        switch run.isolation {
        case .none:
            server = try launch(
                Container.plain(order, run.displayServer, folder), environment: plainEnvironment,
                descriptors: [input, output, output]
            ) { setsid() }
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
                    descriptors: [input, output, output, filter[0], information[1]]
                ) { groups.enter(.server) }
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

    /// The display server's last words.
    func serverLogTail() -> String {
        let lines = text(of: folder.serverLog)?.split(separator: "\n").suffix(4) ?? []
        return lines.joined(separator: " | ")
    }
}
