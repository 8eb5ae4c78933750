import ControlProtocol
import HostAccess
import SessionModel
import SessionStore

extension Gateway {
    /// The portal's `view`: a token of this call's own for one user, one session, one mode.
    func view(_ order: ViewOrder, for caller: Standing) async throws -> ViewAnswer {
        let session = try await runningSession(order.session)
        guard let display = session.display else { throw SessionError.sessionNotRunning(order.session) }
        let user = try viewer(order.user, of: session, for: caller)
        let mode = try await mode(of: user, in: session, readOnly: order.readOnly)
        let token = Secret.token()
        try await database.mintToken(
            token, session: session.number, user: user, mode: mode, kind: .view, seconds: nil, once: false)
        log.event("view given", [.session: "\(session.number)", .user: "\(user)", .address: order.address])
        return ViewAnswer(
            session: session.number, width: session.geometry.width, height: session.geometry.height,
            host: settings.gateway.host, port: settings.gateway.port,
            browserPort: settings.gateway.browserPort,
            encpassword: VNCPassword.obfuscated(display.password), connect: Secret("vncsession:" + token.exposed),
            readOnly: mode == .watch)
    }

    /// `maxwell ticket`: a token with an end, for a page or a native viewer.
    func ticket(_ order: TicketOrder, for caller: Standing) async throws -> TicketAnswer {
        let session = try await runningSession(order.session)
        let user = try viewer(order.user, of: session, for: caller)
        let mode = try await mode(of: user, in: session, readOnly: order.readOnly)
        let token = Secret.token()
        try await database.mintToken(
            token, session: session.number, user: user, mode: mode, kind: .ticket, seconds: order.seconds,
            once: order.once)
        log.event("ticket given", [.session: "\(session.number)", .user: "\(user)"])
        let port = settings.gateway.browserPort == 443 ? "" : ":\(settings.gateway.browserPort)"
        return TicketAnswer(
            session: session.number, ticket: token,
            address: Secret("https://\(settings.gateway.host)\(port)/view/\(session.number)#\(token.exposed)"),
            seconds: order.seconds)
    }

    /// The relay's question: where does this token lead?
    func resolve(_ order: ResolveOrder) async throws -> Route {
        guard let found = try await database.resolve(token: order.token) else { throw SessionError.tokenUnknown }
        return try await givingBack(order.token) {
            try await route(to: found, address: order.address, relay: order.relay)
        }
    }

    /// Lets a viewer in where a token or a password led.
    func route(to found: ResolvedToken, address: String, relay: String) async throws -> Route {
        let socket = try await fleet.links(found.host).link(of: found.display).socket()
        let view = try await database.reserveView(
            session: found.session, user: found.user, mode: found.mode, kind: found.kind, address: address,
            relay: relay, most: settings.sessions.mostViewers)
        guard let view else { throw SessionError.tooManyViewers(found.session) }
        log.event(
            "view resolved",
            [
                .view: "\(view)", .session: "\(found.session)", .user: "\(found.user)", .address: address,
                .status: found.mode.rawValue,
            ])
        return Route(
            view: view, session: found.session, socket: socket, display: found.display, key: found.key,
            mode: found.mode,
            authentication: found.kind.isEnough ? .relay(password: found.password) : .viewer)
    }

    /// Tries to let in who came with `token`; when that fails for another reason, one for a single connection stays good.
    func givingBack(_ token: Secret, _ enter: () async throws -> Route) async throws -> Route {
        do {
            return try await enter()
        } catch {
            try? await database.giveBack(token: token)
            throw error
        }
    }

    private func runningSession(_ number: SessionNumber) async throws -> SessionRecord {
        guard let session = try await database.session(number) else { throw SessionError.sessionUnknown(number) }
        guard session.state.isLive else { throw SessionError.sessionNotRunning(number) }
        return session
    }

    /// Who will look: the one who is named, else a person for themselves, else the owner.
    private func viewer(_ named: UserName?, of session: SessionRecord, for caller: Standing) throws -> UserName {
        guard caller.ownName != nil else { return named ?? session.owner }
        try Self.require(caller, reaches: session)
        guard named == nil || named == session.owner else { throw SessionError.notAllowed }
        return session.owner
    }

    private func mode(of user: UserName, in session: SessionRecord, readOnly: Bool) async throws -> ViewMode {
        guard let permission = try await database.viewPermission(session: session.number, user: user) else {
            throw SessionError.notPermitted(user, session.number)
        }
        return readOnly || permission.isReadOnly ? .watch : .act
    }
}

extension TokenKind {
    /// Whether it is all that is asked of its bearer: a viewer with one of the others knows the display's password too.
    fileprivate var isEnough: Bool { self == .ticket || self == .password }
}
