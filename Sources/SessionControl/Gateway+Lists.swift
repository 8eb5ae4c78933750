import ControlProtocol
import LDAPDirectory
import SessionModel
import SessionStore

extension Gateway {
    /// `maxwell sessions`: everyone's, or one user's; a person sees only their own, and stress users' where they may.
    func listSessions(of user: UserName?, for caller: Standing) async throws -> ControlReply {
        if let user, !caller.reaches(user) { throw SessionError.notAllowed }
        let asked = user ?? (caller.mayStress ? nil : caller.ownName)
        let sessions = try await database.sessions(of: asked).filter { caller.reaches($0.owner) }
        let views = try await database.viewIntervals(of: sessions.map(\.number))
        let watchers = try await database.watchers(of: sessions.map(\.number))
        let outlooks = Dictionary(try await outlooks().map { ($0.fact.number, $0.fate) }) { first, _ in first }
        return .sessions(
            sessions.map { session in
                let fate = outlooks[session.number]
                return SessionLine(
                    session: session.number, user: session.owner.text, application: session.application.text,
                    host: session.hostText, display: session.place?.number.value ?? 0,
                    state: session.state.rawValue, age: session.age, viewers: session.viewers,
                    watched: ViewLedger.watched(views[session.number] ?? []),
                    endsIn: fate?.endsIn.map { Int($0) }, fate: fate?.words ?? session.reason,
                    watchers: (watchers[session.number] ?? []).map(Watcher.init))
            })
    }

    /// `maxwell hosts`.
    func listHosts() async throws -> ControlReply {
        let states = await fleet.states()
        let figures = try await database.poolFigures()
        return .hosts(
            try await database.hosts().map { host in
                let state = states[host.name]
                let pool = figures[host.name]
                return HostLine(
                    host: host.name.text, status: host.status, connected: state != nil,
                    isolation: state?.hello.isolation ?? host.access?.isolation ?? "", uses: host.uses,
                    maximumUses: host.maximumUses, zone: host.zone ?? "",
                    agentVersion: state?.hello.version ?? host.access?.agentVersion ?? "",
                    ready: pool?.withoutGL.ready ?? 0,
                    readyGL: pool?.withGL.ready ?? 0, memory: state?.load?.memoryAvailable, load: state?.load?.load,
                    note: host.access?.setAside ?? "")
            })
    }

    /// `maxwell apps`.
    func listApplications() async throws -> ControlReply {
        .applications(
            try await catalogue.all().map { application, source in
                ApplicationLine(
                    name: application.name.text, title: application.title, geometry: "\(application.geometry)",
                    source: source)
            })
    }

    /// `maxwell login`: checks a password against the directory; wrong name and wrong password sound the same.
    func login(_ user: UserName, _ password: Secret) async throws -> ControlReply {
        try Self.requireSomebodys(user)
        try await directory.authenticate(user, password: password)
        guard case .account(let account, _) = try await directory.person(user) else {
            return .done("\(user) may log in: a guest account is lent for each visit.")
        }
        let groups = account.groups.map { "\($0.name)(\($0.gid))" }.joined(separator: ",")
        return .done(
            "\(user) may log in: uid \(account.uid), gid \(account.gid), home \(account.home), groups \(groups).")
    }
}

extension Watcher {
    init(_ record: WatcherRecord) {
        self.init(
            user: record.user.text, since: record.since, address: record.address, readOnly: record.mode == .watch)
    }
}
