import LDAPDirectory
import SessionModel
import Testing
import TestServers

@Suite("accounts", .timeLimit(.minutes(2)))
struct AccountTests {
    @Test("an account has its ids, home, shell and the groups of both kinds that it may have")
    func account() async throws {
        let account = try await People.directory().account(UserName("alice"))
        #expect(
            account
                == Account(
                    name: try UserName("alice"), uid: 5001, gid: 5000, home: "/home/alice", shell: "/bin/bash",
                    groups: [
                        .init(name: "users", gid: 5000), .init(name: "physics", gid: 6000),
                        .init(name: "chemistry", gid: 6001),
                    ]))
    }

    @Test("a primary group the directory does not name is known by its number")
    func namelessGroup() async throws {
        let account = try await People.directory().account(UserName("bob"))
        #expect(account.groups == [.init(name: "5999", gid: 5999), .init(name: "physics", gid: 6000)])
    }

    @Test("an account that has not expired is taken", arguments: ["endless", "later"])
    func notExpired(name: String) async throws {
        #expect(try await People.directory().account(UserName(name)).name.text == name)
    }

    @Test("a name that is not exactly an account's is unknown", arguments: ["nosuch", "ALICE", "alic", "alice@x", "_"])
    func unknown(name: String) async throws {
        let user = try UserName(name)
        await #expect(throws: DirectoryError.unknown(user)) { try await People.directory().account(user) }
    }

    @Test(
        "no user name can carry a filter", arguments: ["*", "a*", "alice)(uid=*", "(alice", "a\\2a", "a\0", "alice "])
    func injection(name: String) {
        #expect(throws: MalformedName.self) { try UserName(name) }
    }

    @Test("a locked and an expired account are refused")
    func inactive() async throws {
        let directory = try People.directory()
        let (locked, expired) = (try UserName("locked"), try UserName("expired"))
        await #expect(throws: DirectoryError.disabled(locked)) { try await directory.account(locked) }
        await #expect(throws: DirectoryError.expired(expired)) { try await directory.account(expired) }
        await #expect(throws: DirectoryError.disabled(locked)) {
            try await directory.authenticate(locked, password: Secret("locked-word"))
        }
    }

    @Test(
        "an account with a system's ids, or ours, may not have sessions",
        arguments: ["system", "wheel", "root", "display", "nobody"])
    func idsOutOfRange(name: String) async throws {
        let error = await #expect(throws: DirectoryError.self) {
            try await People.directory().account(UserName(name))
        }
        guard case .notAllowed = error else { throw error ?? .emptyPassword }
        #expect(error?.exitStatus == .noPermission)
    }

    @Test(
        "an account whose home is no plain absolute path cannot be used, nor one that is there twice",
        arguments: ["relative", "upward", "colon", "twin"])
    func unusable(name: String) async throws {
        let error = await #expect(throws: DirectoryError.self) {
            try await People.directory().account(UserName(name))
        }
        guard case .unusable = error else { throw error ?? .emptyPassword }
    }

    @Test("many look-ups at once are all answered")
    func many() async throws {
        let directory = try People.directory()
        let alice = try UserName("alice")
        let uids = try await withThrowingTaskGroup(of: UInt32.self) { group in
            for _ in 0..<200 { group.addTask { try await directory.account(alice).uid } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(uids == Array(repeating: 5001, count: 200))
    }
}
