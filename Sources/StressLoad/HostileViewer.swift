import SessionModel
import Stress

/// A viewer that means harm: tries one thing after the other at the gateway's port, each of which has to be turned away.
final class HostileViewer: SessionViewer {
    private let name: Observation.ViewerName
    private let seed: UInt64
    private let number: UInt64
    private unowned let run: Run
    private unowned let session: LiveSession
    private var chances: SeededGenerator
    private var connection: Connection?
    private var isGone = false
    /// Counts what it tries: a timer of one that is over does nothing.
    private var life = 0
    /// Whether it has tried what it came for: an end before that turned nothing away.
    private var hasHarmed = false
    private var failures = 0

    init(
        _ run: Run, _ session: LiveSession, _ number: UInt64, _ name: Observation.ViewerName, _ plan: StressPlan.Viewer
    ) {
        self.run = run
        self.session = session
        self.number = number
        self.name = name
        seed = plan.seed
        chances = SeededGenerator(seed: plan.seed ^ 0x5bf0_3635)
    }

    /// Asks where the gateway is, which is no secret.
    func begin() {
        guard !isGone else { return }
        life += 1
        let mine = life
        let word = Word.view(session: number, user: session.user)
        let began = run.engine.now
        run.say(word) { [self] result in
            guard life == mine, !isGone else { return }
            switch result {
            case .success(.view(let door)): harm(door)
            case .success: break
            case .failure(let failure): refused(word, failure, since: began)
            }
        }
    }

    func storm() {}

    func leave() {
        life += 1
        isGone = true
        connection?.cut(resets: false)
        connection = nil
    }

    private func refused(_ word: Word, _ failure: WordFailure, since began: Double) {
        let now = run.engine.now
        run.tell(.refused(session: name.session, at: now, took: now - began, failure.told(of: word)))
        failures += 1
        guard failure.isPassing, failures < LiveViewer.tries else {
            isGone = true
            return
        }
        again(in: LiveViewer.pause...LiveViewer.pause) { [self] in begin() }
    }

    private func harm(_ door: Door) {
        guard !isGone else { return }
        life += 1
        let mine = life
        let harm = Harm.allCases.randomElement(using: &chances) ?? .garbage
        hasHarmed = false
        var reason = ""
        guard
            let connection = Connection(
                run.engine, to: door.address, host: door.host, number: 250 - name.session % 50, reason: &reason)
        else {
            // Turned away by the machine itself.
            return afterHarm(door)
        }
        self.connection = connection
        var answer: [UInt8] = []
        var talk = ViewerTalk(
            Pass(
                way: .native, token: Secret(Harm.token(&chances)), name: "\(session.user)+\(number)", password: nil,
                host: door.host), watched: nil, seed: seed)
        connection.onConnected = { [unowned self, unowned connection] in
            if harm == .wrongTicket { _ = talk.connected() } else if harm.isInTLS { return connection.startTLS() }
            hasHarmed = !harm.isInTLS
            connection.send(harm.clearBytes(&chances))
        }
        connection.onSecured = { [unowned self, unowned connection] in
            hasHarmed = true
            if harm == .wrongTicket {
                for case .send(let bytes) in talk.secured() { connection.send(bytes) }
            } else {
                connection.send(harm.secretBytes(&chances))
            }
        }
        connection.onData = { [unowned self, unowned connection] bytes in
            guard harm == .wrongTicket else {
                if answer.count < 64 { answer += bytes.prefix(64) }
                if Harm.isServed(answer) { served(harm, door) }
                return
            }
            do throws(DisplayFault) {
                for event in try talk.heard(bytes) {
                    switch event {
                    case .secure: connection.startTLS()
                    case .send(let bytes): connection.send(bytes)
                    case .admitted: return served(harm, door)
                    default: break
                    }
                }
            } catch {
                turnedAway(door)
            }
        }
        connection.onEnd = { [unowned self] _ in turnedAway(door) }
        run.engine.after(Harm.patience) { [weak self, weak connection] in
            guard let self, life == mine, let connection, !connection.hasEnded else { return }
            if hasHarmed { tellHarm("never ended", "\(harm), \(Int(Harm.patience)) s") }
            afterHarm(door)
        }
    }

    private func tellHarm(_ what: String, _ example: String) {
        run.tell(.viewerFailed(name, at: run.engine.now, .init("hostile: \(what)", example)))
    }

    private func served(_ harm: Harm, _ door: Door) {
        tellHarm("was served", "\(harm)")
        afterHarm(door)
    }

    private func turnedAway(_ door: Door) {
        guard !isGone else { return }
        if hasHarmed { run.tell(.turnedAway(name, at: run.engine.now)) }
        afterHarm(door)
    }

    private func afterHarm(_ door: Door) {
        guard !isGone else { return }
        connection?.cut(resets: false)
        connection = nil
        again(in: 1...5) { [self] in harm(door) }
    }

    private func again(in seconds: ClosedRange<Double>, _ action: @escaping () -> Void) {
        life += 1
        let mine = life
        run.engine.after(.random(in: seconds, using: &chances)) { [weak self] in
            guard let self, life == mine, !isGone else { return }
            action()
        }
    }
}
