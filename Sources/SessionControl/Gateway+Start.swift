import ControlProtocol
import HostAccess
import HostProtocol
import SessionModel
import SessionStore

extension Gateway {
    /// Starts an application for a user: account, application, host, display, rows, hand-over. A host that fails is
    /// passed over for the next; only when none is left does the user hear of it.
    func start(_ order: StartOrder) async throws -> SessionNumber {
        let began = ContinuousClock.now
        let application = try await catalogue.application(order.application)
        let account = try await directory.account(order.user)
        guard application.groups.isEmpty || account.groups.contains(where: { application.groups.contains($0.name) })
        else { throw SessionError.notInGroup(order.user, application.name) }
        var lastFailure: (any Error)?
        for host in try await hosts(for: application, zone: order.zone) {
            do {
                guard let number = try await start(order, application, account, on: host) else { continue }
                log.event(
                    "session started",
                    [
                        .session: "\(number)", .user: "\(order.user)", .application: "\(application.name)",
                        .host: "\(host.name)", .took: "\(ContinuousClock.now - began)",
                    ])
                return number
            } catch let failure as HostAccessError {
                log.event(
                    "host failed a start", level: .warning,
                    [.host: "\(host.name)", .user: "\(order.user)", .cause: failure.operatorCause ?? ""])
                lastFailure = failure
            }
        }
        throw lastFailure ?? SessionError.noHost(.everythingFull, application.name)
    }

    /// The hosts to try, best first.
    private func hosts(for application: Application, zone: ZoneName?) async throws -> [HostRecord] {
        let records = try await database.hosts()
        let zoneID = try await zone.asyncMap { zone in
            let record = try await self.zone(zone)
            guard record.isUp else { throw SessionError.zoneDown(zone) }
            return record.id
        }
        let required = try await requiredBits(application)
        while true {
            let hellos = await fleet.hellos()
            do {
                let order = try Placement.order(
                    records.map { $0.candidate(isConnected: hellos[$0.name] != nil) }, required: required, zone: zoneID,
                    seed: .random(in: 0 ... .max))
                let byName = Dictionary(records.map { ($0.name, $0) }) { first, _ in first }
                return order.compactMap { byName[$0] }
            } catch .nothingConnected where began.duration(to: .now) < Self.settling {
                // This controller has just started and its channels are on their way.
                try await Task.sleep(for: .milliseconds(50))
            } catch {
                throw SessionError.noHost(error, application.name)
            }
        }
    }

    /// The bits of every `hosttype` the application asks for; one that no host type has lets no host pass.
    private func requiredBits(_ application: Application) async throws -> UInt64 {
        guard !application.hostRequirements.isEmpty else { return 0 }
        let types = try await database.hostTypes()
        return try application.hostRequirements.reduce(0) { bits, name in
            guard let bit = types[name] else { throw SessionError.noHost(.nothingProvides, application.name) }
            return bits | bit
        }
    }

    /// One attempt on one host; nil when the host is full after all. Where a number turns out to be in use on the host
    /// by somebody we do not know, its claim stays, so that nobody tries it soon, and the next number is tried.
    private func start(
        _ order: StartOrder, _ application: Application, _ account: Account, on host: HostRecord
    ) async throws -> SessionNumber? {
        var tries = 0
        while true {
            do {
                return try await startOnce(order, application, account, on: host)
            } catch HostAccessError.failed(_, let failure) where failure.kind == .displayBusy && tries < 16 {
                tries += 1
            }
        }
    }

    private func startOnce(
        _ order: StartOrder, _ application: Application, _ account: Account, on host: HostRecord
    ) async throws -> SessionNumber? {
        let channel = try await fleet.channel(host.name)
        let key = Secret.token()
        let password = Secret.viewerPassword()
        guard
            let claim = try await database.claimDisplayNumber(
                on: host.name, key: key, password: password, geometry: application.geometry, depth: application.depth,
                uidBase: settings.uids.displays.first, uidCount: settings.uids.displays.count)
        else { return nil }
        let token = Secret.token()
        let number: SessionNumber
        do {
            _ = try await channel.ask(
                .makeDisplay(
                    DisplayOrder(
                        display: claim.number, geometry: application.geometry, depth: application.depth,
                        withGL: application.needsGL, uid: claim.uid, password: password, key: key)),
                within: .seconds(20))
            number = try await database.beginSession(
                NewSession(
                    owner: order.user, address: order.address, host: host.name, display: claim.number,
                    application: application.name, title: application.title, timeout: application.timeout,
                    geometry: application.geometry, password: password, sessionToken: token,
                    parameters: order.parameters, zoneID: host.zoneID))
        } catch HostAccessError.failed(let host, let failure) where failure.kind == .displayBusy {
            throw HostAccessError.failed(host, failure)
        } catch {
            await giveBack(claim.number, on: host.name, channel)
            throw error
        }
        do {
            try await handOver(number, claim.number, token, order, application, account, channel)
            try await database.markRunning(number)
        } catch {
            await endSession(number, reason: "the start failed", failedStart: true)
            throw error
        }
        return number
    }

    /// Starts the application on a display that stands, for a session whose rows are there.
    private func handOver(
        _ number: SessionNumber, _ display: DisplayNumber, _ token: Secret, _ order: StartOrder,
        _ application: Application, _ account: Account, _ channel: HostChannel
    ) async throws {
        let resources = ResourcesText(
            session: number, token: token, application: application, version: order.version,
            gatewayName: settings.gateway.name, gatewayURL: settings.gateway.url,
            resultsFolder: "\(account.home)/data/results/\(number)")
        _ = try await channel.ask(
            .startApplication(
                ApplicationOrder(
                    display: display, session: number, account: account, command: application.command,
                    geometry: application.geometry, resources: resources.text, parameters: order.parameters,
                    environment: [:])),
            within: .seconds(20))
    }

    /// Returns a display that no session got: nothing stays on the host, the number is free again.
    func giveBack(_ display: DisplayNumber, on host: HostName, _ channel: HostChannel) async {
        do {
            _ = try await channel.ask(.endDisplay(display: display, patienceSeconds: 0), within: .seconds(20))
            try await database.releaseDisplay(display, on: host)
        } catch {
            // The claim stays until the host is heard again: healing finds and ends what no session uses.
            log.event(
                "display not given back", level: .warning,
                [.host: "\(host)", .display: "\(display)", .cause: "\(error)"])
        }
    }
}
