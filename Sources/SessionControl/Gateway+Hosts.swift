import ControlProtocol
import FoundationEssentials
import HostAccess
import HostProtocol
import SessionModel
import SessionStore

extension Gateway {
    /// `maxwell host up|down|drain`; a draining host is `down`.
    func setStatus(of host: HostName, _ status: ControlRequest.HostStatus) async throws -> ControlReply {
        try await requireHost(host)
        let up = status == .up
        try await database.setHostStatus(host, up: up)
        log.event("host status set", [.host: "\(host)", .status: up ? "up" : "down"])
        return .done("Host \(host) is \(up ? "up" : "down").")
    }

    /// What `maxwell host add` puts on a host.
    func hostKey() throws -> ControlReply {
        let path = settings.hosts.sshKey + ".pub"
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw Refusal(
                "The controller has no ssh key yet; please make one with ssh-keygen -t ed25519.", .configuration,
                cause: "cannot read \(path)")
        }
        let line = text.split(separator: "\n").first.map(String.init) ?? ""
        return .hostKey(
            HostKeyAnswer(
                publicKey: line, firstDisplayUID: settings.uids.displays.first,
                displayUIDs: settings.uids.displays.count))
    }

    /// Records a host, connects it and tries it: a display, and a byte through the data link.
    func addHost(_ order: HostOrder) async throws -> ControlReply {
        let zone = try await order.zone.asyncMap { try await self.zone($0) }
        let types = try await database.hostTypes()
        let provisions = try order.provisions.reduce(into: UInt64(0)) { bits, name in
            guard let bit = types[name] else {
                throw Refusal(
                    "There is no host type named \(name); there are \(types.keys.sorted().joined(separator: ", ")).",
                    .usage)
            }
            bits |= bit
        }
        try await database.addHost(
            HostAddition(
                name: order.name, address: order.address, port: order.port, account: order.account,
                sshHostKey: order.sshHostKey, runFolder: order.runFolder, zoneID: zone?.id, provisions: provisions,
                maximumUses: order.maximumUses))
        await fleet.become(try await database.hosts().compactMap(\.endpoint))
        try await awaitHello(of: order.name)
        let lines = try await trial(of: order.name)
        log.event("host added", [.host: "\(order.name)", .address: order.address])
        return .lines(lines, good: true)
    }

    /// `check HOST yes`: what the host says of itself, a display of its own, a byte through the data link; with
    /// `apply` the host becomes `up` or `check`.
    func check(_ host: HostName, apply: Bool) async throws -> ControlReply {
        try await requireHost(host)
        var lines: [String] = []
        var good = true
        do {
            guard case .lines(let found, let fine) = try await fleet.channel(host).ask(.check, within: .seconds(20))
            else { throw HostAccessError.confused(host, cause: "check was not answered with lines") }
            lines = found
            good = fine
            lines += try await trial(of: host)
        } catch let error as any UserFacingError {
            lines.append("failed: \(error.userMessage)")
            good = false
        }
        if apply { try await database.setHostStatus(host, up: good) }
        lines.append(
            "\(host) is \(good ? "fine" : "not fit for sessions")\(apply ? " and is now \(good ? "up" : "down")" : "")."
        )
        return .lines(lines, good: good)
    }

    /// `create_userhome`: on whichever connected host mounts the homes; they all see the same.
    func createHome(of user: UserName) async throws -> ControlReply {
        let account = try await directory.account(user)
        var lastFailure: any Error = SessionError.noHost(.nothingConnected, try ApplicationName("create_userhome"))
        for host in await fleet.hellos().keys.sorted() {
            do {
                _ = try await fleet.channel(host).ask(.makeHome(account: account), within: .seconds(20))
                return .done("")
            } catch {
                lastFailure = error
            }
        }
        throw lastFailure
    }

    /// `screenshot`: of every session of the user; what fails or was asked a moment ago is passed over.
    func screenshots(of user: UserName) async throws -> ControlReply {
        let sessions = try await database.sessions(of: user)
        await withDiscardingTaskGroup { group in
            for session in sessions where session.state.isLive {
                group.addTask {
                    do {
                        _ = try await self.fleet.channel(session.host).ask(
                            .screenshot(display: session.displayNumber), within: .seconds(10))
                    } catch {
                        self.log.event(
                            "no screenshot", level: .debug, [.session: "\(session.number)", .cause: "\(error)"])
                    }
                }
            }
        }
        return .done("")
    }

    private func requireHost(_ host: HostName) async throws {
        guard try await database.hosts().contains(where: { $0.name == host }) else {
            throw SessionError.hostUnknown(host)
        }
    }

    /// Waits until a host that was just recorded has said hello.
    private func awaitHello(of host: HostName) async throws {
        let limit = ContinuousClock.now + .seconds(20)
        let channel = try await fleet.channel(host)
        while await channel.hello == nil {
            guard ContinuousClock.now < limit else {
                _ = try await channel.ask(.ping, within: .seconds(1))
                return
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Makes a display and gives it back; a number somebody else uses there is passed over, at most `tries` times.
    private func trial(of host: HostName, tries: Int = 16) async throws -> [String] {
        let began = ContinuousClock.now
        let channel = try await fleet.channel(host)
        let key = Secret.token()
        let password = Secret.viewerPassword()
        guard
            let claim = try await database.claimDisplayNumber(
                on: host, key: key, password: password, geometry: .usual, depth: 24,
                uidBase: settings.uids.displays.first, uidCount: settings.uids.displays.count)
        else { return ["every display is in use: no trial display was made"] }
        do {
            _ = try await channel.ask(
                .makeDisplay(
                    DisplayOrder(
                        display: claim.number, geometry: .usual, depth: 24, withGL: false, uid: claim.uid,
                        password: password, key: key)), within: .seconds(20))
            _ = try await fleet.link(host).socket()
        } catch HostAccessError.failed(_, let failure) where failure.kind == .displayBusy && tries > 1 {
            return try await trial(of: host, tries: tries - 1)
        } catch {
            await giveBack(claim.number, on: host, channel)
            throw error
        }
        let took = ContinuousClock.now - began
        await giveBack(claim.number, on: host, channel)
        let milliseconds = Int(took / .milliseconds(1))
        return ["a trial display started in \(milliseconds) ms", "the data link answers"]
    }
}
