import LDAPDirectory
import SessionModel
import Testing
import TestServers

@Suite("people without a home or a uid", .timeLimit(.minutes(2)))
struct PersonTests {
    private func rooted() throws -> Directory {
        try People.directory { settings, _ in settings.homesRoot = "/srv/homes" }
    }

    @Test("an entry that names no home has one below the root of such homes, and is refused without a root")
    func homeless() async throws {
        let name = try UserName("homeless")
        let person = try await rooted().person(name)
        guard case .account(let account, homeIsNamed: false) = person else { throw Missing(person) }
        #expect(account.home == "/srv/homes/homeless" && account.uid == 5020)
        await #expect(throws: DirectoryError.homeless(name)) { try await People.directory().person(name) }
        #expect(DirectoryError.homeless(name).userMessage.contains("homes.root"))
    }

    @Test("a home that the entry names stays what it is")
    func named() async throws {
        guard case .account(let account, homeIsNamed: true) = try await rooted().person(UserName("alice")) else {
            throw Missing("alice")
        }
        #expect(account.home == "/home/alice")
    }

    @Test("a person without a uid is a visitor, in groups by name; an account they are not")
    func visitor() async throws {
        let name = try UserName("guest")
        let directory = try rooted()
        let person = try await directory.person(name)
        #expect(person == .visitor(Visitor(name: name, groups: ["physics"])))
        #expect(person.groups == ["physics"])
        try await directory.authenticate(name, password: Secret("guest-word"))
        await #expect(throws: DirectoryError.self) { try await directory.account(name) }
        await #expect(throws: DirectoryError.homeless(name)) { try await People.directory().person(name) }
    }

    @Test("a visitor who is locked is refused, and half an account is none")
    func refused() async throws {
        let directory = try rooted()
        let locked = try UserName("lockedguest")
        await #expect(throws: DirectoryError.disabled(locked)) { try await directory.person(locked) }
        let error = await #expect(throws: DirectoryError.self) { try await directory.person(UserName("half")) }
        guard case .unusable = error else { throw Missing("half") }
    }

    @Test("a uid leads to its one account's name")
    func byUID() async throws {
        let directory = try People.directory()
        #expect(try await directory.name(ofUID: 5001) == UserName("alice"))
        #expect(try await directory.name(ofUID: 4999) == nil)
    }
}

private struct Missing: Error {
    let what: String
    init(_ what: Any) { self.what = "\(what)" }
}
