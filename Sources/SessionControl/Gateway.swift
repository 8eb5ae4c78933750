import ControlProtocol
import ControlSocket
import HostAccess
import HostProtocol
import LDAPDirectory
import Logging
import Notices
import SessionModel
import SessionStore
import SettingsFile
import Synchronization

/// The gateway as everyone asks it: who may ask is checked here, then one function a word.
public final class Gateway: Sendable {
    let settings: Settings
    let database: Database
    let directory: Directory
    let fleet: HostFleet
    let catalogue: Catalogue
    let pools = Pools()
    let starts = StartsUnderWay()
    let turns = HostTurns()
    let turnsOfTests = HostTurns()
    let ends = EndsUnderWay()
    let toldViews = ToldViews()
    let reconciler = Reconciler()
    let duties: Duties
    let journal: ViewJournal
    /// Which relays live.
    let ears = Mutex(RelayEars(now: .now))
    /// Where native viewers' passwords are checked.
    let door = EntryDoor()
    /// What relays count.
    let relayFigures = Mutex(RelayFigures())
    /// How many starts were given a display that waited, and how many one made for them.
    let poolCounts = Mutex((hits: UInt64(0), misses: UInt64(0)))
    /// Where no application may connect to.
    let ownAddresses: OwnAddresses
    let homeFigures = HomeFigures()
    let notices: NoticeCommand
    let log: Logger
    private let roles: CallerRole
    /// When this controller started.
    let began = ContinuousClock.now
    private let events: AsyncStream<(HostName, HostEvent)>

    /// A gateway over its outside systems; nothing is connected until ``run()``.
    public init(settings: Settings, database: Database, directory: Directory, log: Logger) {
        self.settings = settings
        self.database = database
        self.directory = directory
        self.log = log
        ownAddresses = OwnAddresses(settings)
        duties = Duties(database)
        journal = ViewJournal(path: settings.controller.state + "/views.journal")
        catalogue = Catalogue(
            folder: settings.applications.folder, timeout: settings.sessions.timeout, limits: settings.limits,
            database: database, log: log)
        notices = NoticeCommand(settings.notify.command, pause: settings.notify.every) { kind, cause in
            log.event("notice not sent", level: .warning, [.reason: kind, .cause: cause])
        }
        roles = CallerRole(
            settings: settings.controller, relayUser: settings.relay.user, webUser: settings.web.user)
        let (events, feed) = AsyncStream.makeStream(of: (HostName, HostEvent).self)
        self.events = events
        fleet = HostFleet(
            settings: HostAccessSettings(
                key: settings.hosts.sshKey, folder: settings.controller.run + "/links",
                connectSeconds: Int(settings.hosts.connectTimeout.components.seconds))
        ) { host, event in feed.yield((host, event)) }
    }

    /// Connects the hosts and keeps records and hosts in agreement until the task is cancelled.
    public func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.followRecords() }
            group.addTask { await self.followEvents() }
            group.addTask { await self.keepHouse() }
            group.addTask { await self.keepShadows() }
            group.addTask { await self.endForgotten() }
            group.addTask { await self.keepPools() }
            group.addTask { await self.keepAgreement() }
            group.addTask { await self.keepReaping() }
            group.addTask { await self.keepJournal() }
            group.addTask { await self.probeHosts() }
        }
        do {
            try await duties.putDown()
        } catch {
            log.event("duties not put down", level: .warning, [.cause: "\(error)"])
        }
        await fleet.letGo()
    }

    /// Answers one request; every refusal is one sentence, and what an operator needs is logged under its id.
    public func answer(_ request: ControlRequest, from caller: Caller) async -> ControlReply {
        let caller = roles.standing(of: caller)
        do {
            guard Rights.allow(caller, request) else { throw SessionError.notAllowed }
            return try await answer(request, to: caller)
        } catch {
            return .refused(refusal(for: error, of: request))
        }
    }

    private func answer(_ request: ControlRequest, to caller: Standing) async throws -> ControlReply {
        switch request {
        case .ping: .done("")
        case .start(let order): .started(try await start(order))
        case .view(let order): .view(try await view(order, for: caller))
        case .stop(let session, let delay): try await stop(session, delay, for: caller)
        case .check(let host, let apply): try await check(host, apply: apply)
        case .createUserHome(let user): try await createHome(of: user)
        case .updateQuota(let uid, let soft, let hard): await updateQuota(uid, soft: soft, hard: hard)
        case .screenshot(let user): try await screenshots(of: user)
        case .quota(let user): try await quota(of: user, for: caller)
        case .purge(let user, let days): try await purge(user, days: days)
        case .sessions(let user): try await listSessions(of: user, for: caller)
        case .why(let session): try await why(session, for: caller)
        case .hosts: try await listHosts()
        case .applications: try await listApplications()
        case .login(let user, let password): try await login(user, password)
        case .ticket(let order): .ticket(try await ticket(order, for: caller))
        case .counters: .counters(await counters())
        case .stress(let word): try await stress(word)
        case .setHostStatus(let host, let status, let endAfter): try await setStatus(of: host, status, endAfter)
        case .hostKey: try hostKey()
        case .addHost(let order): try await addHost(order)
        case .resolve(let order): .route(try await resolve(order))
        case .enter(let order): .route(try await enter(order))
        case .withdrawn(let relay): .beats(cut: try await withdrawn(ofRelay: relay))
        case .reap(let dryRun): try await reap(dryRun: dryRun)
        case .extend(let session, let seconds): try await extend(session, by: seconds, for: caller)
        case .viewOpened(let opening): try await viewOpened(opening)
        case .viewBeats(let beat): try await relayBeat(beat)
        case .viewClosed(let end): try await viewClosed(end)
        }
    }

    private func refusal(for error: any Error, of request: ControlRequest) -> Refusal {
        let known = error as? any UserFacingError
        let cause = known.map(\.operatorCause) ?? "\(error)"
        guard let cause else {
            return Refusal(known?.userMessage ?? "", known?.exitStatus ?? .software)
        }
        let id = String(Secret.token().exposed.prefix(8))
        log.event("request refused", level: .error, [.error: id, .request: request.word, .cause: cause])
        return Refusal(
            known?.userMessage ?? "Something went wrong inside; please tell an administrator the number \(id).",
            known?.exitStatus ?? .software, errorID: id)
    }

    /// Takes up hosts as they are recorded, by this controller or another.
    private func followRecords() async {
        while !Task.isCancelled {
            do {
                await fleet.become(try await database.hosts().compactMap(\.endpoint))
            } catch {
                log.event("hosts not read", level: .warning, [.cause: "\(error)"])
            }
            try? await Task.sleep(for: .seconds(5))
        }
    }

    private func followEvents() async {
        await withDiscardingTaskGroup { group in
            for await (host, event) in events {
                group.addTask { await self.heard(event, from: host) }
            }
        }
    }
}

extension ControlRequest {
    /// The request's name, for a log that must not show its secrets.
    var word: String {
        switch self {
        case .start: "start"
        case .view: "view"
        case .stop: "stop"
        case .check: "check"
        case .createUserHome: "create_userhome"
        case .updateQuota: "update_quota"
        case .screenshot: "screenshot"
        case .quota: "quota"
        case .purge: "purge"
        case .sessions: "sessions"
        case .why: "why"
        case .hosts: "hosts"
        case .applications: "apps"
        case .login: "login"
        case .ticket: "ticket"
        case .counters: "counters"
        case .stress: "stress"
        case .ping: "ping"
        case .setHostStatus: "host up|down|drain"
        case .hostKey, .addHost: "host add"
        case .resolve: "resolve"
        case .enter: "enter"
        case .withdrawn: "withdrawn"
        case .reap: "reap"
        case .extend: "extend"
        case .viewOpened: "view opened"
        case .viewBeats: "view beats"
        case .viewClosed: "view closed"
        }
    }
}
