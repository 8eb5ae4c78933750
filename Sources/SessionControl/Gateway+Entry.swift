import ControlProtocol
import LDAPDirectory
import SessionModel
import SessionStore

/// Native viewers, who come with a name and a password.
extension Gateway {
    /// The relay's question: may this person enter, and where to? An unknown name, a wrong password and a session that is
    /// not theirs sound the same.
    func enter(_ order: EnterOrder) async throws -> Route {
        let name = ViewerName(order.name)
        if let name, Self.looksLikeTicket(order.password),
            let found = try await database.resolve(ticket: order.password, of: name.user, to: name.session)
        {
            return try await givingBack(order.password) {
                try await route(to: found, address: order.address, relay: order.relay)
            }
        }
        let isRight = try await door.isRight(account: name?.user, address: order.address) { [self] in
            guard let name else { return false }
            return try await isPassword(order.password, of: name.user)
        }
        guard let name, isRight else { throw notEntered(name, order.address, "wrong name or password") }
        guard let seat = try await database.seat(of: name.user, in: name.session) else {
            if name.session == nil { throw SessionError.noSession }
            throw notEntered(name, order.address, "no right to the session")
        }
        return try await route(to: seat, address: order.address, relay: order.relay)
    }

    /// What ``Secret/token()`` makes: nothing else is looked for among the tickets.
    private static func looksLikeTicket(_ password: Secret) -> Bool {
        password.exposed.utf8.count == 32
            && password.exposed.utf8.allSatisfy { byte in
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
            }
    }

    private func isPassword(_ password: Secret, of user: UserName) async throws -> Bool {
        // They come with tickets: no password is theirs, should the directory have one.
        if user.isStress { return false }
        do {
            try await directory.authenticate(user, password: password)
            return true
        } catch DirectoryError.unavailable(let cause), DirectoryError.misconfigured(let cause) {
            throw SessionError.passwordsNotChecked(cause: cause)
        } catch {
            return false
        }
    }

    /// What is told to whoever may not enter; the log has who, from where and why.
    private func notEntered(_ name: ViewerName?, _ address: String, _ reason: String) -> SessionError {
        log.event(
            "viewer not entered", [.user: name?.user.text ?? "", .address: address, .reason: reason])
        return .nameOrPasswordWrong
    }
}
