import ControlProtocol
import HostAccess
import HostProtocol
import SessionModel
import SessionStore

/// A start under way: what it is for, what it has, and what was tried.
struct StartAttempt {
    let order: StartOrder
    let application: Application
    let lodging: Lodging
    /// What the application proves its session with.
    let token = Secret.token()
    let began = ContinuousClock.now
    /// The network its container gets; nil: none.
    var network: NetworkOrder?
    /// Once its rows are there.
    var number: SessionNumber?
    private(set) var steps: [StartStep] = []
    private(set) var failures: [HostAccessError] = []

    init(_ order: StartOrder, _ application: Application, _ lodging: Lodging) {
        self.order = order
        self.application = application
        self.lodging = lodging
    }

    /// After this, no further host is tried: whoever asked has given up.
    static let patience = Duration.seconds(45)
    var patienceLeft: Duration { Self.patience - (ContinuousClock.now - began) }
    var mayGoOn: Bool { patienceLeft > .zero }

    /// Whether every host's channel was lost under the start: they are on their way back, and worth another look.
    var lostEveryHost: Bool {
        ContinuousClock.now - began < .seconds(5) && !failures.isEmpty
            && failures.allSatisfy { if case .away = $0 { true } else { false } }
    }

    /// The rows that begin its session.
    var session: NewSession {
        NewSession(
            owner: order.user, address: order.address, application: application.name, title: application.title,
            timeout: application.timeout, geometry: application.geometry, sessionToken: token,
            parameters: order.parameters, withGL: application.needsGL, stress: order.stress)
    }

    /// Keeps what was tried and how it went.
    mutating func note(_ what: String, on host: HostName, _ display: DisplayNumber?, _ outcome: String = StartStep.ok) {
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        steps.append(
            StartStep(at: seconds, host: host.text, display: display?.value, what: what, outcome: outcome))
    }

    /// Keeps a failure beside its step.
    mutating func note(
        _ what: String, on host: HostName, _ display: DisplayNumber?, failed failure: HostAccessError
    ) {
        note(what, on: host, display, failure.step)
        failures.append(failure)
    }

    private static let turn = "turn"

    /// Keeps that it waited for its turn on `host`.
    mutating func noteTurn(on host: HostName) { note(Self.turn, on: host, nil) }

    /// Keeps why it had no turn on `host`.
    mutating func noteNoTurn(on host: HostName, _ why: String) { note(Self.turn, on: host, nil, why) }

    /// What its user hears where it failed everywhere: that others were before it, when nothing else was wrong.
    var lastComplaint: any UserFacingError {
        failures.isEmpty && wasCrowdedOut ? SessionError.crowded : complaint
    }

    /// Whether a host had no turn for it in time.
    private var wasCrowdedOut: Bool { steps.contains { $0.what == Self.turn && !$0.isOK } }

    /// What the user hears when every avenue is exhausted: the failure that all hosts ended with, or that there were
    /// several.
    var complaint: any UserFacingError {
        guard let last = failures.last else { return SessionError.noHost(.everythingFull, application.name) }
        let lastOfEach = Dictionary(failures.map { ($0.host, $0) }) { _, later in later }
        return lastOfEach.values.allSatisfy { $0.isLike(last) }
            ? last : SessionError.exhausted(application.name, number)
    }

    /// What an administrator is told: each host's last failure.
    var generalFailure: String {
        var last: [(host: String, outcome: String)] = []
        for step in steps where !step.isOK {
            last.removeAll { $0.host == step.host }
            last.append((step.host, step.outcome))
        }
        return last.map { "\($0.host): \($0.outcome)" }.joined(separator: "; ")
    }

    /// Whether `error` is the gateway's trouble, for an administrator to hear of, and not the user's.
    func isGateways(_ error: any Error) -> Bool {
        switch error {
        case SessionError.noHost, SessionError.exhausted, SessionError.crowded, SessionError.ownAddressUnknown: true
        case HostAccessError.failed(_, let failure): failure.kind != .homeFull
        default: error is HostAccessError
        }
    }
}
