import ControlProtocol
import FoundationEssentials
import HostAccess
import HostProtocol
import SessionModel
import SessionStore

extension Gateway {
    /// `maxwell host up|down|drain`. With `drain` nothing new starts, and no display is kept ready; what runs goes on, for
    /// so many seconds where they are given.
    func setStatus(of host: HostName, _ status: HostStatus, _ endAfter: Int?) async throws -> ControlReply {
        try await requireHost(host)
        try await database.setHostStatus(host, to: status)
        let seconds = status == .drain ? endAfter.map(Self.bounded) : nil
        try await database.setDrain(of: host, in: seconds)
        log.event("host status set", [.host: "\(host)", .status: status.rawValue])
        pools.wake()
        let end = seconds.map { "; its sessions end in \(plainTime($0)), and whoever watches is told before" } ?? ""
        return .done("Host \(host) is \(status == .drain ? "draining" : status.rawValue)\(end).")
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

    /// `check HOST`: one plain line a finding; with `apply` the host becomes `up` or `check`.
    func check(_ host: HostName, apply: Bool) async throws -> ControlReply {
        try await requireHost(host)
        let (findings, good) = await examine(host)
        if apply {
            try await database.setHostStatus(host, to: good ? .up : .check)
            log.event("host checked", [.host: "\(host)", .status: good ? "up" : "check"])
            pools.wake()
        }
        let verdict =
            "\(host) is \(good ? "fine" : "not fit for sessions")"
            + (apply ? " and is now '\(good ? "up" : "check")'." : ".")
        return .lines(findings + [verdict], good: good)
    }

    /// What a host is found to be: its ssh, its agent, what the agent says of disk, memory, cgroups and programs, a display
    /// to its first pixel, a byte through the data link.
    func examine(_ host: HostName) async -> (lines: [String], good: Bool) {
        var lines: [String] = []
        do {
            let channel = try await fleet.channel(host)
            let reply = try await channel.ask(.check, within: .seconds(20))
            guard case .lines(let found, let good) = reply else {
                throw HostAccessError.confused(host, cause: "check was not answered with lines")
            }
            lines.append("ok: ssh: connected")
            if let hello = await channel.hello { lines.append("ok: agent \(hello.version) answers") }
            lines += found
            lines += try await trial(of: host)
            return (lines, good)
        } catch let error as any UserFacingError {
            lines.append("failed: \(error.userMessage)" + (error.operatorCause.map { " (\($0))" } ?? ""))
        } catch {
            lines.append("failed: \(error)")
        }
        return (lines, false)
    }

    /// `create_userhome`: on whichever connected host mounts the homes; they all see the same. Who is lent a uid for each visit
    /// gets a home with it.
    func createHome(of user: UserName) async throws -> ControlReply {
        guard case .account(let account, _) = try await person(user) else { return .done("") }
        try await askForHome(.makeHome(account: account), within: .seconds(20))
        return .done("")
    }

    /// `screenshot`: of every session of the user; what fails or was asked a moment ago is passed over.
    func screenshots(of user: UserName) async throws -> ControlReply {
        let sessions = try await database.sessions(of: user)
        await withDiscardingTaskGroup { group in
            for session in sessions where session.state.isLive {
                guard let place = session.place else { continue }
                group.addTask {
                    do {
                        _ = try await self.fleet.channel(place.host).ask(
                            .screenshot(display: place.number), within: .seconds(10))
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
        guard try await database.host(host) != nil else {
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
        let fresh = FreshDisplay(
            host: host, key: .token(), password: .viewerPassword(), geometry: PoolRules.geometry,
            depth: PoolRules.depth, withGL: false, uidBase: settings.uids.displays.first,
            uidCount: settings.uids.displays.count)
        guard let claim = try await database.claimForPool(fresh, template: "") else {
            return ["ok: every display is in use: no trial display was made"]
        }
        let id = DisplayID(host: host, number: claim.number)
        do {
            _ = try await channel.ask(
                .makeDisplay(
                    DisplayOrder(
                        display: claim.number, geometry: fresh.geometry, depth: fresh.depth, withGL: false,
                        uid: claim.uid, password: fresh.password, key: fresh.key)), within: .seconds(20))
            _ = try await fleet.links(host).link(of: claim.number).socket()
        } catch HostAccessError.failed(_, let failure) where failure.kind == .displayBusy && tries > 1 {
            _ = try await database.retire(id, reason: failure.cause, as: .broken)
            return try await trial(of: host, tries: tries - 1)
        } catch {
            await giveBack(id, fresh.key)
            throw error
        }
        let milliseconds = Int((ContinuousClock.now - began) / .milliseconds(1))
        await giveBack(id, fresh.key)
        return ["ok: a trial display had its first pixel after \(milliseconds) ms", "ok: the data link answers"]
    }

    /// Ends a display that no session had and frees its number; where the host cannot be asked the claim stays until
    /// healing or housekeeping ends it.
    private func giveBack(_ display: DisplayID, _ key: Secret) async {
        guard await endOnHost(display, key: key) else { return }
        do {
            try await database.releaseDisplay(display.number, key: key, on: display.host)
        } catch {
            log.event("display not given back", level: .warning, [.host: "\(display.host)", .cause: "\(error)"])
        }
    }
}
