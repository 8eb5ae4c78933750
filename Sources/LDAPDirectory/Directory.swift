import Dispatch
import Glibc
import SessionModel
import Synchronization

/// The accounts of an LDAP directory (RFC 2307), asked over libldap on threads of its own.
///
/// Look-ups go over connections that are kept, so that one takes about a millisecond; each call ends within the
/// settings' timeout, whatever a server does.
public final class Directory: Sendable {
    private let settings: DirectorySettings
    private let lanes: [Lane]
    private let turn = Atomic<Int>(0)

    /// Opens nothing yet; the first question connects.
    public init(_ settings: DirectorySettings) {
        self.settings = settings
        lanes = (0..<4).map { Lane(settings, number: $0) }
    }

    /// The active account `user`, with what it may have of its groups; a person without ids is not usable as one.
    public func account(_ user: UserName) async throws(DirectoryError) -> Account {
        guard case .account(let account, _) = try await person(user) else {
            throw .unusable(user, reason: "no uidNumber")
        }
        return account
    }

    /// The active person `user`, with or without ids.
    public func person(_ user: UserName) async throws(DirectoryError) -> Person {
        let rules = AccountRules(settings: settings, today: Self.today())
        return try await onALane { (lane, deadline) throws(DirectoryError) in
            let entry = try rules.usable(try Self.entries(lane, rules, user, deadline), for: user)
            let isVisitor = rules.isVisitor(entry)
            let filter = Filter.groups(
                ofName: user.text, dn: entry.dn, gid: isVisitor ? nil : try rules.gid(of: entry, for: user))
            let groups = try lane.ask(until: deadline) { (connection, time) throws(ServerFailure) in
                try connection.search(
                    rules.settings.groupBase, filter, AccountRules.groupAttributes, limit: 0, time: time)
            }
            return isVisitor
                ? .visitor(try rules.visitor(user, groups: groups))
                : .account(
                    try rules.account(user, entry, groups: groups), homeIsNamed: rules.namedHome(of: entry) != nil)
        }
    }

    /// The name of the one account with `uid`; nil when there is none, or several.
    public func name(ofUID uid: UInt32) async throws(DirectoryError) -> UserName? {
        let rules = AccountRules(settings: settings, today: Self.today())
        return try await onALane { (lane, deadline) throws(DirectoryError) in
            let found = try lane.ask(until: deadline) { (connection, time) throws(ServerFailure) in
                try connection.search(
                    rules.settings.peopleBase, Filter.accounts(withUID: uid), ["uid"], limit: 2, time: time)
            }
            guard found.count == 1 else { return nil }
            return found.first?.first("uid").flatMap { try? UserName($0) }
        }
    }

    /// Returns when `password` is that of the active account `user`, asked by a simple bind over TLS, or over a Unix
    /// socket of this machine.
    public func authenticate(_ user: UserName, password: Secret) async throws(DirectoryError) {
        guard !password.exposed.isEmpty else { throw .emptyPassword }
        let rules = AccountRules(settings: settings, today: Self.today())
        try await onALane { (lane, deadline) throws(DirectoryError) in
            let entry = try rules.usable(try Self.entries(lane, rules, user, deadline), for: user)
            // A server takes a bind without a name for an anonymous one too.
            guard !entry.dn.isEmpty else { throw .unusable(user, reason: "the entry has no name") }
            try lane.check(user, dn: entry.dn, password, until: deadline)
        }
    }

    private static func entries(
        _ lane: Lane, _ rules: AccountRules, _ user: UserName, _ deadline: ContinuousClock.Instant
    ) throws(DirectoryError) -> [Entry] {
        try lane.ask(until: deadline) { (connection, time) throws(ServerFailure) in
            try connection.search(
                rules.settings.peopleBase, Filter.person(named: user.text), AccountRules.accountAttributes, limit: 2,
                time: time)
        }
    }

    private static func today() -> Int { Glibc.time(nil) / 86400 }

    /// Runs `work` on the next lane; whoever waits is answered at the deadline at the latest.
    private func onALane<Value: Sendable>(
        _ work: @escaping @Sendable (Lane, ContinuousClock.Instant) throws(DirectoryError) -> Value
    ) async throws(DirectoryError) -> Value {
        let lane = lanes[turn.wrappingAdd(1, ordering: .relaxed).oldValue & (lanes.count - 1)]
        let deadline = ContinuousClock.now + settings.timeout
        let (seconds, attoseconds) = settings.timeout.components
        let nanoseconds = Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
        let result = await withCheckedContinuation { continuation in
            let answer = Answer<Value>(continuation)
            lane.run(answer) { (lane) throws(DirectoryError) in try work(lane, deadline) }
            DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(nanoseconds)) {
                answer.give(.failure(.unavailable(cause: "no server answered within \(seconds) s")))
            }
        }
        return try result.get()
    }
}
