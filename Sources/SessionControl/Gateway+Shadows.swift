import ControlProtocol
import HostAccess
import HostProtocol
import LDAPDirectory
import SessionModel
import SessionStore

/// Homes that no entry names, and uids for people who have none.
extension Gateway {
    /// The account that a start runs under, for whoever may start the application. A load test's users are in no group, and
    /// may start every one.
    func lodging(for order: StartOrder, of application: Application) async throws -> Lodging {
        if let mark = order.stress { return try await lodging(of: order.user, mark) }
        let person = try await person(order.user)
        guard application.groups.isEmpty || person.groups.contains(where: { application.groups.contains($0) })
        else { throw SessionError.notInGroup(order.user, application.name) }
        return try await lodging(of: person)
    }

    /// The account that sessions of `person` run under; a person without a uid is lent one.
    private func lodging(of person: Person) async throws -> Lodging {
        switch person {
        case .account(let account, let homeIsNamed): return .own(account, homeIsNamed: homeIsNamed)
        case .visitor(let visitor):
            guard let root = settings.homes.root else { throw DirectoryError.homeless(visitor.name) }
            return try await lend(to: visitor.name, below: root)
        }
    }

    /// A uid of the shadow pool with a home below `root`.
    func lend(to user: UserName, below root: String) async throws -> Lodging {
        guard
            let shadow = try await database.claimShadow(
                user, of: settings.uids.shadow.uids, homesIn: root + Self.shadowHomes)
        else { throw SessionError.noGuestAccount }
        return .lent(shadow, to: user)
    }

    /// Below `homes.root`; a user's name does not begin with a point.
    private static let shadowHomes = "/.shadow"

    /// Sees to it that what a session needs is on its host: the home, and a word of who uses the uid there.
    func furnish(_ lodging: Lodging, on host: HostName, _ channel: HostChannel) async throws {
        let account = lodging.account
        if lodging.isLent {
            guard try await database.noteShadow(account.uid, of: account.name, on: host) else {
                throw SessionError.guestAccountGone(account.name)
            }
        }
        if lodging.homeIsOurs { _ = try await channel.ask(.makeHome(account: account), within: .seconds(12)) }
    }

    /// Takes lent uids back whose owners have no session any more, has every host clean them, and gives them free, until the
    /// task is cancelled. Of several controllers one does.
    func keepShadows() async {
        var failed: Set<String> = []
        while !Task.isCancelled {
            do {
                try await Task.sleep(for: .seconds(5))
                guard try await duties.holds(Duties.house) else { continue }
                try await tidyShadows(&failed)
            } catch is CancellationError {
                return
            } catch {
                log.event("guest accounts not cleaned", level: .warning, [.cause: "\(error)"])
            }
        }
    }

    /// Seconds that a start may take between claiming a uid and writing its session down, with a wide margin.
    private static let claimed = 120

    private func tidyShadows(_ failed: inout Set<String>) async throws {
        _ = try await database.retireShadows(unusedFor: Self.claimed)
        let known = failed
        let stale = try await database.staleShadows()
        let outcomes = await results(of: stale, atMost: 8) { stale -> Result<Set<String>, any Error> in
            do {
                return .success(try await self.clean(stale, known))
            } catch {
                return .failure(error)
            }
        }
        // What failed before and is not stale any more is forgotten.
        failed = outcomes.reduce(into: []) { places, outcome in
            if case .success(let new) = outcome { places.formUnion(new) }
        }
        for outcome in outcomes { _ = try outcome.get() }
    }

    /// Has every host clean a uid, and gives it free when all have; gives where it failed. What is `known` to fail is not
    /// logged again.
    private func clean(_ stale: StaleShadow, _ known: Set<String>) async throws -> Set<String> {
        var failed: Set<String> = []
        for host in stale.hosts {
            let place = "uid \(stale.account.uid) on \(host)"
            do {
                _ = try await fleet.channel(host).ask(
                    .cleanAccount(account: stale.account.account(of: UserName(known: "guest"))),
                    within: .seconds(70))
                try await database.noteClean(stale.account.uid, on: host)
            } catch let error as HostAccessError {
                // Told once; it is tried until it is clean.
                guard failed.insert(place).inserted, !known.contains(place) else { continue }
                log.event(
                    "guest account not clean", level: .warning,
                    [.user: "\(stale.account.uid)", .host: "\(host)", .cause: error.operatorCause ?? ""])
            }
        }
        if try await database.freeShadow(stale.account.uid) {
            log.event("guest account clean", [.user: "\(stale.account.uid)"])
        }
        return failed
    }
}

extension ShadowAccount {
    /// As an account of `name`, in no group but its own: what it leaves is told apart by its uid alone.
    func account(of name: UserName) -> Account {
        Account(
            name: name, uid: uid, gid: uid, home: home, shell: "/bin/bash",
            groups: [.init(name: name.text, gid: uid)])
    }
}
