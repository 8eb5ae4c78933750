import ControlProtocol
import HostAccess
import SessionModel
import SessionStore

extension Gateway {
    /// Counts a failure that is the host's own; after several in a row it is set aside: status `check`, no sessions, and
    /// a probe now and then.
    func blame(_ host: HostName, _ reason: String) async {
        do {
            let failures = try await database.noteHostFailure(host)
            guard SetAside.isDue(failures: failures) else { return }
            let pause = SetAside.pause(failedProbes: 0)
            guard try await database.setAside(host, reason: reason, seconds: pause) else { return }
            log.event("host set aside", level: .error, [.host: "\(host)", .cause: reason])
            await notices.send(
                "host set aside", "\(host) gets no sessions until it works again by itself: \(reason).")
        } catch {
            log.event("failure of a host not counted", level: .warning, [.host: "\(host)", .cause: "\(error)"])
        }
    }

    /// The host did what it should: what was counted is forgotten, and a host set aside is taken back.
    func vindicate(_ host: HostName) async {
        do {
            try await database.noteHostSuccess(host)
            guard try await database.takeBack(host) else { return }
            log.event("host taken back", level: .notice, [.host: "\(host)"])
            await notices.send("host taken back", "\(host) works again and gets sessions.")
            pools.wake()
        } catch {
            log.event("success of a host not counted", level: .warning, [.host: "\(host)", .cause: "\(error)"])
        }
    }

    /// Probes the hosts that were set aside, each when its pause is over, until the task is cancelled.
    func probeHosts() async {
        while !Task.isCancelled {
            do {
                try await Task.sleep(for: .seconds(1))
                for due in try await database.dueProbes() { Task { await probe(due) } }
            } catch is CancellationError {
                return
            } catch {
                log.event("hosts not probed", level: .warning, [.cause: "\(error)"])
            }
        }
    }

    private func probe(_ host: HostName) async {
        let (lines, good) = await examine(host)
        if good { return await vindicate(host) }
        let reason = lines.first { $0.hasPrefix("failed: ") || $0.hasPrefix("problem: ") } ?? "the probe failed"
        do {
            let probes = try await database.host(host)?.access?.probes ?? 0
            _ = try await database.setAside(host, reason: reason, seconds: SetAside.pause(failedProbes: probes))
            log.event("host still set aside", [.host: "\(host)", .cause: reason])
        } catch {
            log.event("hosts not probed", level: .warning, [.host: "\(host)", .cause: "\(error)"])
        }
    }
}
