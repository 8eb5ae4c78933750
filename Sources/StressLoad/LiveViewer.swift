import SessionModel
import Stress

/// One viewer of a session that means no harm: asks for its view, looks, does what its behaviour asks for, and leaves.
final class LiveViewer: SessionViewer {
    private enum State {
        /// Not there: its moment has not come, or it asks for a view.
        case away
        /// Comes in.
        case opening(Connection)
        /// Has a whole picture.
        case watching(Connection)
        /// Comes no more.
        case gone
    }

    /// Seconds until an opening or a first picture has failed.
    static let patience = 60.0
    /// Seconds until a key that changed nothing has failed. Before the first that did, a real display's application may not be
    /// there yet: whoever waits for it tries another after a while, for so long.
    static let echoPatience = 10.0
    static let firstEchoPatience = 3.0
    static let applicationPatience = 40.0
    /// Seconds after which one that was cut should have its picture again: a hold, or a storm's end, may come before.
    static let returnPatience = 10.0
    /// Seconds before it comes again after a failure, and how often it does in a row.
    static let pause = 1.0
    static let tries = 30

    private let name: Observation.ViewerName
    private let plan: StressPlan.Viewer
    private let number: UInt64
    private unowned let run: Run
    private unowned let session: LiveSession
    private var state = State.away
    private var conduct: Conduct
    private var chances: SeededGenerator
    private var talk: ViewerTalk?
    /// Where a native viewer comes to, once it knows.
    private var door: Door?
    /// Counts connections: a timer of one that is gone does nothing.
    private var life = 0
    private var failures = 0
    private var hasBegun = false
    private var hadPicture = false
    /// When it was cut off; nil: it has a picture, or never had one.
    private var cutAt: Double?
    /// When the key was typed whose change is awaited.
    private var typedAt: Double?
    /// Whether a key ever changed something, and when the first was typed.
    private var hasEchoed = false
    private var firstTypedAt: Double?
    private var hasToldSilence = false
    /// When RFB stood, in this connection.
    private var beganAt: Double?

    init(
        _ run: Run, _ session: LiveSession, _ number: UInt64, _ name: Observation.ViewerName, _ plan: StressPlan.Viewer
    ) {
        self.run = run
        self.session = session
        self.number = number
        self.name = name
        self.plan = plan
        conduct = Conduct(plan.behaviour, seed: plan.seed)
        chances = SeededGenerator(seed: plan.seed ^ 0x5bf0_3635)
    }

    private var isGone: Bool { if case .gone = state { true } else { false } }

    private var hasPicture: Bool { if case .watching = state { true } else { false } }

    /// Its moment has come.
    func begin() {
        guard case .away = state else { return }
        hasBegun = true
        askForView()
    }

    /// Loses its connection, as everyone does, and comes back at once.
    func storm() {
        guard case .watching(let connection) = state else { return }
        cut(connection, resets: Bool.random(using: &chances), returns: true)
    }

    /// Leaves in order; it comes no more.
    func leave() {
        life += 1
        switch state {
        case .away: missed()
        case .gone: break
        case .opening(let connection):
            missed()
            ended(cut: true)
            connection.cut(resets: false)
        case .watching(let connection):
            let now = run.engine.now
            if !hasEchoed, !hasToldSilence, let first = firstTypedAt, now - first > Self.echoPatience, !run.isStopping {
                tellSilence(now)
            }
            ended(cut: false)
            state = .gone
            if let goodbye = talk?.goodbye(), !goodbye.isEmpty { connection.send(goodbye) }
            connection.leave()
            run.tell(.left(name, at: run.engine.now))
        }
        state = .gone
        talk = nil
    }

    /// Its session's time is over, and it has no picture: it never had, or it was cut and waits for its next one.
    private func missed() {
        guard hasBegun, !run.isStopping else { return }
        let now = run.engine.now
        if !hadPicture {
            run.tell(.viewerFailed(name, at: now, .init("viewer: no picture", "its session's time was over before")))
        } else if let cutAt, now - cutAt > Self.returnPatience {
            run.tell(.viewerFailed(name, at: now, .init("viewer: never came back", "in \(Int(now - cutAt)) s")))
        }
    }

    // Coming.

    private func askForView() {
        life += 1
        let mine = life
        // A native viewer's person knows where the gateway is, and wants a ticket.
        if let door { return askForTicket(door, mine) }
        let word = Word.view(session: number, user: session.user)
        let began = run.engine.now
        run.say(word) { [self] result in
            guard life == mine, !isGone else { return }
            switch result {
            case .success(.view(let door)):
                guard plan.way == .native else { return come(door, token: door.token) }
                self.door = door
                askForTicket(door, mine)
            case .success: break
            case .failure(let failure): refused(word, failure, since: began)
            }
        }
    }

    private func askForTicket(_ door: Door, _ mine: Int) {
        let word = Word.ticket(session: number, user: session.user)
        let began = run.engine.now
        run.say(word) { [self] result in
            guard life == mine, !isGone else { return }
            switch result {
            case .success(.ticket(let ticket)): come(door, token: ticket)
            case .success: break
            case .failure(let failure): refused(word, failure, since: began)
            }
        }
    }

    private func refused(_ word: Word, _ failure: WordFailure, since began: Double) {
        let now = run.engine.now
        run.tell(.refused(session: name.session, at: now, took: now - began, failure.told(of: word)))
        if failure.isPassing { comeAgain() } else { state = .gone }
    }

    private func come(_ door: Door, token: Secret) {
        let began = run.engine.now
        let pass = Pass(
            way: plan.way, token: token, name: "\(session.user)+\(number)", password: door.password, host: door.host)
        var reason = ""
        let address = plan.way == .webSocket ? door.browserAddress : door.address
        guard
            let connection = Connection(
                run.engine, to: address, host: door.host, number: name.session, reason: &reason)
        else { return failed("viewer: no connection", reason) }
        var talk = ViewerTalk(
            pass, watched: session.isSynthetic ? run.options.echoArea : nil, seed: plan.seed &+ UInt64(life))
        talk.look(false)
        self.talk = talk
        state = .opening(connection)
        beganAt = nil
        let mine = life
        connection.onConnected = { [unowned self, unowned connection] in
            follow(self.talk?.connected() ?? [], connection, began)
        }
        connection.onSecured = { [unowned self, unowned connection] in
            follow(self.talk?.secured() ?? [], connection, began)
        }
        connection.onData = { [unowned self, unowned connection] bytes in
            do throws(DisplayFault) {
                follow(try self.talk?.heard(bytes) ?? [], connection, began)
            } catch {
                connection.cut(resets: false)
                failed("viewer: " + Self.kind(error.cause), error.cause)
            }
        }
        connection.onEnd = { [unowned self] end in
            switch end {
            case .ended: failed("viewer: the gateway ended the connection", hasPicture ? "while it watched" : "opening")
            case .broke(let reason): failed("viewer: " + reason, hasPicture ? "while it watched" : "opening")
            }
        }
        run.engine.after(Self.patience) { [weak self, weak connection] in
            guard let self, life == mine, !hasPicture, let connection, !connection.hasEnded else { return }
            connection.cut(resets: false)
            failed("viewer: no picture", "after \(Int(Self.patience)) s")
        }
    }

    /// What faults have in common: no numbers, and not what a refusal says more.
    private static func kind(_ cause: String) -> String {
        let plain = cause.split(separator: " ").map { word in
            word.utf8.contains { (48...57).contains($0) } && word.utf8.count != 3 ? "…" : word
        }
        return plain.joined(separator: " ")
    }

    // Looking.

    private func follow(_ events: [ViewerTalk.Event], _ connection: Connection, _ began: Double) {
        for event in events {
            guard !connection.hasEnded else { return }
            let now = run.engine.now
            switch event {
            case .secure: connection.startTLS()
            case .send(let bytes): connection.send(bytes)
            case .admitted: run.tell(.opened(name, at: now, took: now - began))
            case .began: beganAt = now
            case .picture: pictured(connection, now)
            case .update(let bytes): run.tell(.update(name, at: now, bytes: bytes))
            case .changed: changed(connection, now)
            case .goodbye:
                connection.cut(resets: false)
                failed("viewer: the gateway ended the connection", "with a goodbye")
            }
        }
    }

    private func pictured(_ connection: Connection, _ now: Double) {
        state = .watching(connection)
        failures = 0
        hadPicture = true
        if let cutAt {
            run.tell(.returned(name, at: now, gap: now - cutAt))
            self.cutAt = nil
        } else {
            run.tell(.picture(name, at: now, took: session.pictureTook(at: now, wait: plan.after)))
        }
        fulfil(conduct.pictured(), connection)
    }

    private func changed(_ connection: Connection, _ now: Double) {
        guard let typed = typedAt else { return }
        typedAt = nil
        hasEchoed = true
        talk?.look(false)
        run.tell(.echo(name, at: now, took: now - typed))
        fulfil(conduct.done(), connection)
    }

    private func fulfil(_ wish: Conduct.Wish?, _ connection: Connection) {
        guard let wish else { return }
        let mine = life
        run.engine.after(wish.after) { [weak self, weak connection] in
            guard let self, let connection, life == mine, hasPicture, !connection.hasEnded else { return }
            doNow(wish.deed, connection)
        }
    }

    private func doNow(_ deed: Conduct.Deed, _ connection: Connection) {
        switch deed {
        case .key(let keysym):
            type(keysym, connection)
        case .point(let x, let y):
            if let talk, let bytes = self.talk?.pointer(x: talk.width * x / 1000, y: talk.height * y / 1000) {
                connection.send(bytes)
            }
            fulfil(conduct.done(), connection)
        case .slow(let bytesPerSecond): connection.slow(bytesPerSecond)
        case .cut(let resets, let returns): cut(connection, resets: resets, returns: returns)
        }
    }

    private func type(_ keysym: UInt32, _ connection: Connection) {
        let now = run.engine.now
        talk?.look(true)
        typedAt = now
        firstTypedAt = firstTypedAt ?? now
        let mine = life
        if let bytes = talk?.key(keysym) { connection.send(bytes) }
        let isReady = hasEchoed || session.isSynthetic
        run.engine.after(isReady ? Self.echoPatience : Self.firstEchoPatience) { [weak self, weak connection] in
            guard let self, life == mine, typedAt == now, let connection, !connection.hasEnded else { return }
            typedAt = nil
            if isReady || run.engine.now - (firstTypedAt ?? now) > Self.applicationPatience {
                tellSilence(run.engine.now)
            }
            fulfil(conduct.done(), connection)
        }
    }

    private func tellSilence(_ now: Double) {
        hasToldSilence = true
        run.tell(.viewerFailed(name, at: now, .init("viewer: no echo", "no key changed the picture in time")))
    }

    // Leaving.

    private func cut(_ connection: Connection, resets: Bool, returns: Bool) {
        let now = run.engine.now
        ended(cut: true)
        connection.cut(resets: resets)
        run.tell(.left(name, at: now))
        (talk, typedAt) = (nil, nil)
        life += 1
        guard returns else {
            state = .gone
            return
        }
        state = .away
        cutAt = now
        askForView()
    }

    /// A connection that failed is gone; the person behind it tries again.
    private func failed(_ kind: String, _ example: String) {
        guard !isGone else { return }
        let now = run.engine.now
        run.tell(.viewerFailed(name, at: now, .init(kind, example)))
        if hasPicture {
            run.tell(.left(name, at: now))
            cutAt = now
        }
        ended(cut: true)
        (talk, typedAt) = (nil, nil)
        comeAgain()
    }

    private func comeAgain() {
        failures += 1
        life += 1
        guard failures < Self.tries else {
            state = .gone
            return
        }
        state = .away
        let mine = life
        run.engine.after(Self.pause) { [weak self] in
            guard let self, life == mine, case .away = state else { return }
            askForView()
        }
    }

    /// Remembers the view for the ledger.
    private func ended(cut: Bool) {
        guard let beganAt else { return }
        run.saw(
            SeenView(
                session: number, user: session.user.text, began: beganAt, ended: run.engine.now,
                hadPicture: hasPicture, wasCut: cut))
        self.beganAt = nil
    }
}
