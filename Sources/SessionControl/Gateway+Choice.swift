import ControlProtocol
import SessionModel
import SessionStore

/// A host that a start may try, with the displays that stood ready there.
struct HostChoice {
    let record: HostRecord
    let ready: [DisplayID]
    /// Processors of the host.
    let cores: Int
}

extension Gateway {
    /// The hosts to try, best first.
    func choices(for attempt: StartAttempt) async throws -> [HostChoice] {
        let zone = try await attempt.order.zone.asyncMap { name in
            let zone = try await self.zone(name)
            guard zone.isUp else { throw SessionError.zoneDown(name) }
            return zone.id
        }
        let required = try await requiredBits(attempt.application)
        let records = try await database.hosts()
        let sessions = try await database.sessionsPerHost(of: attempt.order.user)
        let isSynthetic = attempt.order.isSynthetic
        let ready =
            isSynthetic ? [:] : try await readyDisplays(for: attempt.application, on: records.map(\.name))
        var generator = SystemRandomNumberGenerator()
        let seed = generator.next()
        while true {
            let states = await fleet.states()
            do {
                let order = try Placement.order(
                    records.map {
                        var candidate = $0.candidate(
                            state: states[$0.name], underWay: starts.count(on: $0.name),
                            ready: max(0, (ready[$0.name]?.count ?? 0) - starts.takers(on: $0.name)),
                            sessionsOfUser: sessions[$0.name] ?? 0)
                        // Next to none is needed.
                        if isSynthetic { candidate.memoryAvailable = nil }
                        return candidate
                    }, required: required, zone: zone, seed: seed)
                let byName = Dictionary(records.map { ($0.name, $0) }) { first, _ in first }
                return order.compactMap { name in
                    byName[name].map {
                        HostChoice(record: $0, ready: ready[name] ?? [], cores: states[name]?.load?.cores ?? 1)
                    }
                }
            } catch .nothingConnected where mayConnect(within: attempt) {
                try await Task.sleep(for: .milliseconds(50))
            } catch {
                throw SessionError.noHost(error, attempt.application.name)
            }
        }
    }

    /// Whether a channel may come in a moment: this controller has just started, or all were lost and are tried again.
    private func mayConnect(within attempt: StartAttempt) -> Bool {
        began.duration(to: .now) < .seconds(10) || attempt.began.duration(to: .now) < .seconds(3)
    }

    /// The displays that an application may have, some of each host, in an order of their own for each start, so that
    /// starts at the same time seldom want the same one.
    func readyDisplays(
        for application: Application, on hosts: [HostName]
    ) async throws -> [HostName: [DisplayID]] {
        guard application.depth == PoolRules.depth else { return [:] }
        let ready = try await database.readyDisplays(withGL: application.needsGL, on: hosts, perHost: 8)
        let states = await fleet.states()
        let current = ready.filter { states[$0.id.host]?.load?.template ?? $0.template == $0.template }
        return Dictionary(grouping: current.map(\.id), by: \.host).mapValues { $0.shuffled() }
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
}
