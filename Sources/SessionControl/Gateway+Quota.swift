import ControlProtocol
import HostAccess
import HostProtocol
import LDAPDirectory
import SessionModel
import SessionStore

/// What people have of the homes' file system, and what they may have.
extension Gateway {
    /// `maxwell quota`: one's own, or anybody's for who may ask that.
    func quota(of user: UserName?, for caller: Standing) async throws -> ControlReply {
        if let own = caller.ownName, let user, user != own { throw SessionError.notAllowed }
        guard let user = user ?? caller.role.name else { throw SessionError.userNeeded }
        guard let lodging = try await presentLodging(of: user) else {
            // Who is lent a uid for each visit has nothing between them.
            return .quota(
                QuotaAnswer(
                    user: user, used: 0, softLimit: limits.soft, hardLimit: limits.hard, remaining: limits.hard,
                    isEnforced: false))
        }
        return .quota(QuotaAnswer(of: user, try await usage(of: lodging)))
    }

    /// `update_quota`: sets a user's limits where the hosts' file systems can have some. Whatever becomes of it, the portal
    /// has its answer within two seconds: its pages fail without.
    func updateQuota(_ uid: String, soft: String, hard: String) async -> ControlReply {
        let work = Task {
            do {
                try await setQuota(uid, soft: soft, hard: hard)
            } catch {
                let cause = (error as? any UserFacingError).map { $0.operatorCause ?? $0.userMessage } ?? "\(error)"
                log.event("quota not set", level: .warning, [.user: uid, .cause: cause])
            }
        }
        _ = await firstOf(work, within: .seconds(2))
        return .done("")
    }

    /// The portal's `purge`: removes what sessions that have ended left behind. Folders of all sessions lie in the one home:
    /// whichever host is asked is told the numbers of those that live, on other hosts too, for it to spare them.
    func purge(_ user: UserName, days: Int?) async throws -> ControlReply {
        guard settings.homes.allowsPurge else { throw SessionError.purgeIsOff }
        guard let account = try await presentLodging(of: user)?.account else { return .done("") }
        let live = try await liveSessions(of: user)
        let request = HostRequest.purge(account: account, days: days ?? 0, live: live.map(\.number))
        try await onSomeHost(of: live) { try await self.fleet.channel($0).ask(request, within: .seconds(65)) }
        log.event("results purged", [.user: "\(user)", .reason: days.map { "older than \($0) days" } ?? "all"])
        return .done("")
    }

    /// The sentence that a start on `host` shows somebody who was over the limit when that host last looked; nil for everyone
    /// else.
    func homeNotice(of lodging: Lodging, on host: HostName) -> String? {
        let figure = homeFigures.figure(of: lodging.account.name, on: host, olderThan: settings.homes.measureEvery)
        return figure?.isOver == true ? Self.overLimit : nil
    }

    /// After a start on `host`: has that host look how much its user has, unless it just did, and shows the notice where the
    /// start did not.
    func lookAtHome(of lodging: Lodging, in session: SessionNumber, on host: HostName) async {
        let account = lodging.account
        let known = homeFigures.figure(of: account.name, on: host, olderThan: settings.homes.measureEvery)
        guard known?.isOld ?? true, let usage = try? await usage(of: lodging, on: host), usage.isOver,
            known?.isOver != true, let record = try? await database.session(session), let place = record.place,
            place.host == host, let key = record.display?.key
        else { return }
        do {
            _ = try await fleet.channel(host).ask(
                .message(display: place.number, key: key, text: Self.overLimit, seconds: 3600), within: .seconds(10))
        } catch {
            log.event(
                "user not told of a full home", level: .warning,
                [.session: "\(session)", .user: "\(account.name)", .cause: "\(error)"])
        }
    }

    private static let overLimit = """
        Your home folder has reached its limit. Files that you save now may be lost: please delete some that you no longer \
        need.
        """

    /// Bytes that the settings tell where a file system has no limits.
    private var limits: (soft: UInt64, hard: UInt64) {
        (UInt64(settings.homes.softLimit) << 20, UInt64(settings.homes.hardLimit) << 20)
    }

    /// Whose files count as the user's; nil for a person who has no uid now.
    private func presentLodging(of user: UserName) async throws -> Lodging? {
        switch try await person(user) {
        case .account(let account, let homeIsNamed): .own(account, homeIsNamed: homeIsNamed)
        case .visitor: try await database.shadow(of: user).map { .lent($0, to: user) }
        }
    }

    /// What a connected host says of a home.
    func usage(of lodging: Lodging) async throws -> HomeUsage {
        try await onSomeHost(of: liveSessions(of: lodging.account.name)) {
            try await self.usage(of: lodging, on: $0)
        }
    }

    /// What `host` says of a home, with the settings' limits where the file system has none.
    private func usage(of lodging: Lodging, on host: HostName) async throws -> HomeUsage {
        let account = lodging.account
        if lodging.isLent {
            // The host keeps the figure, and has to forget it before the uid is lent to somebody else.
            guard try await database.noteShadow(account.uid, of: account.name, on: host) else {
                throw SessionError.guestAccountGone(account.name)
            }
        }
        let maxAge = settings.homes.measureEvery / .seconds(1)
        let reply: HostReply
        do {
            reply = try await fleet.channel(host).ask(
                .homeUsage(account: account, maxAge: maxAge), within: .seconds(8))
        } catch HostAccessError.failed(_, let failure) where failure.kind == .tooOften {
            throw SessionError.stillCounting(account.name)
        }
        guard case .homeUsage(var usage) = reply else { throw SessionError.stillCounting(account.name) }
        if usage.source == .measured { (usage.softLimit, usage.hardLimit) = limits }
        // A lent home goes with its visit: the next one begins with nothing.
        if !lodging.isLent { homeFigures.note(account.name, on: host, isOver: usage.isOver) }
        return usage
    }

    /// Has the first connected host that can do `body`: they all see the same homes.
    func askForHome(_ request: HostRequest, within deadline: Duration) async throws {
        try await onSomeHost { try await self.fleet.channel($0).ask(request, within: deadline) }
    }

    private func liveSessions(of user: UserName) async throws -> [SessionRecord] {
        try await database.sessions(of: user).filter(\.state.isLive)
    }

    /// Does `body` with one connected host after another until it succeeds: they all see the same homes. Those come first
    /// that have a session of `live`: they know of the user.
    @discardableResult
    private func onSomeHost<Value>(
        of live: [SessionRecord] = [], _ body: (HostName) async throws -> Value
    ) async throws -> Value {
        let known = Set(live.compactMap { $0.place?.host })
        let hosts = await fleet.states().keys.sorted()
        var lastFailure: any Error = SessionError.noHost(.nothingConnected, ApplicationName(known: "homes"))
        for host in hosts.filter(known.contains) + hosts.filter({ !known.contains($0) }) {
            do {
                return try await body(host)
            } catch SessionError.stillCounting(let user) {
                throw SessionError.stillCounting(user)
            } catch {
                lastFailure = error
            }
        }
        throw lastFailure
    }

    /// The limits go to every connected host: which of them has the homes' file system for its own is known there.
    private func setQuota(_ uid: String, soft: String, hard: String) async throws {
        guard let user = try await user(named: uid) else {
            return log.event("quota not set", level: .warning, [.user: uid, .cause: "no account has this uid"])
        }
        guard let soft = Self.blocks(soft), let hard = Self.blocks(hard) else {
            return log.event("quota not set", level: .warning, [.user: uid, .cause: "a limit is too large"])
        }
        try Self.requireSomebodys(user)
        let account = try await directory.account(user)
        let hosts = await fleet.states().keys.sorted()
        await withDiscardingTaskGroup { group in
            for host in hosts {
                group.addTask {
                    do {
                        _ = try await self.fleet.channel(host).ask(
                            .setQuota(uid: account.uid, soft: soft, hard: hard, home: account.home),
                            within: .seconds(4))
                        self.log.event("quota set", [.user: "\(user)", .host: "\(host)"])
                    } catch {
                        let cause = (error as? any UserFacingError)?.operatorCause ?? "\(error)"
                        self.log.event(
                            "quota not set", level: .warning, [.user: "\(user)", .host: "\(host)", .cause: cause])
                    }
                }
            }
        }
    }

    /// The portal says a number; releases of it before said a name.
    private func user(named text: String) async throws -> UserName? {
        if let uid = UInt32(text) { return try await directory.name(ofUID: uid) }
        return try? UserName(text)
    }

    /// Nothing is no limit.
    private static func blocks(_ text: String) -> UInt64? { text.isEmpty ? 0 : UInt64(text) }
}

extension HomeUsage {
    /// Whether nothing more may be written, or nothing more should.
    var isOver: Bool { hardLimit > 0 && used >= hardLimit || free == 0 }
}

extension QuotaAnswer {
    init(of user: UserName, _ usage: HomeUsage) {
        let left = usage.hardLimit > usage.used ? usage.hardLimit - usage.used : 0
        self.init(
            user: user, used: usage.used, softLimit: usage.softLimit, hardLimit: usage.hardLimit,
            remaining: usage.hardLimit == 0 ? usage.free : min(left, usage.free), isEnforced: usage.source == .quota)
    }
}

extension Role {
    /// The name of whoever asks for themselves.
    var name: UserName? {
        switch self {
        case .person(let name): name
        case .administrator(let name): name
        case .root, .portal, .relay, .web, .nobody: nil
        }
    }
}
