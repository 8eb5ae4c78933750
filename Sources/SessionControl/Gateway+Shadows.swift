import HostAccess
import HostProtocol
import LDAPDirectory
import SessionModel
import SessionStore

/// Homes that no entry names, and uids for people who have none.
extension Gateway {
    /// The account that sessions of `person` run under; a person without a uid is lent one.
    func lodging(of person: Person) async throws -> Lodging {
        switch person {
        case .account(let account, let homeIsNamed):
            return Lodging(account: account, isLent: false, homeIsOurs: !homeIsNamed)
        case .visitor(let visitor):
            guard let root = settings.homes.root else { throw DirectoryError.homeless(visitor.name) }
            guard
                let shadow = try await database.claimShadow(
                    visitor.name, of: settings.uids.shadow.uids, homesIn: root + Self.shadowHomes)
            else { throw SessionError.noGuestAccount }
            return Lodging(account: shadow.account(of: visitor.name), isLent: true, homeIsOurs: true)
        }
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
        for stale in try await database.staleShadows() {
            for host in stale.hosts {
                let place = "uid \(stale.account.uid) on \(host)"
                do {
                    _ = try await fleet.channel(host).ask(
                        .cleanAccount(account: stale.account.account(of: UserName(known: "guest"))),
                        within: .seconds(70))
                    try await database.noteClean(stale.account.uid, on: host)
                    failed.remove(place)
                } catch let error as HostAccessError {
                    // Told once; it is tried until it is clean.
                    guard failed.insert(place).inserted else { continue }
                    log.event(
                        "guest account not clean", level: .warning,
                        [.user: "\(stale.account.uid)", .host: "\(host)", .cause: error.operatorCause ?? ""])
                }
            }
            if try await database.freeShadow(stale.account.uid) {
                log.event("guest account clean", [.user: "\(stale.account.uid)"])
            }
        }
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
