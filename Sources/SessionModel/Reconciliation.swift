/// What makes records and hosts agree again after anything died: the records held against a host's own account of its
/// displays. Pure: it neither asks nor changes anything.
public enum Reconciliation {
    /// One thing to do.
    public enum Repair: Hashable, Sendable {
        /// The records have a session there, the host no such display: the session is over.
        case endSession(SessionNumber)
        /// Its end was begun, and nobody goes on with it.
        case finishEnd(SessionNumber)
        /// The host has a display that nothing needs: it is ended and its claim, if there is one, given back. Without a
        /// key whatever has the number.
        case endDisplay(DisplayNumber, key: Secret?)
        /// The records claim a display that the host does not have and nothing needs: the claim is given back.
        case releaseClaim(DisplayNumber, key: Secret)

        /// Whether it takes away what somebody may still use: it is carried out when it was planned twice, from two
        /// looks at the host.
        public var needsSecondLook: Bool {
            switch self {
            case .endSession, .endDisplay: true
            case .finishEnd, .releaseClaim: false
            }
        }
    }

    /// Claims younger than this, in seconds, may still be on their way to the host: they are left alone.
    public static let pending = 60
    /// So may ends be, of another controller, which is done with its part of them by then.
    public static let pendingEnd = 15

    /// A session that is recorded on the host.
    public struct Session: Equatable, Sendable {
        /// How far it is.
        public enum Life: Equatable, Sendable {
            /// A start is under way, or died: whoever finds it after a while ends it, whatever its host says.
            case starting
            case running
            /// Its end was begun so many seconds ago.
            case ending(Int)
        }

        public var number: SessionNumber
        public var life: Life
        /// Seconds since it was begun.
        public var age: Int
        /// Whether the records have a display for it.
        public var hasDisplay: Bool

        /// A session as it is stored.
        public init(number: SessionNumber, life: Life, age: Int, hasDisplay: Bool) {
            self.number = number
            self.life = life
            self.age = age
            self.hasDisplay = hasDisplay
        }

        /// What is to be done for a session without looking at its display.
        fileprivate var repair: Repair? {
            switch life {
            case .starting: nil
            case .running: hasDisplay || age < Reconciliation.pending ? nil : .endSession(number)
            case .ending(let seconds): seconds < Reconciliation.pendingEnd ? nil : .finishEnd(number)
            }
        }
    }

    /// Who a claimed display is for.
    public enum Holder: Equatable, Sendable {
        /// Nobody yet: a start is under way, or died.
        case nobody
        /// Whoever starts next: it is ready, and waits.
        case pool
        /// Nobody ever: it is broken, and its record stays for a while to be looked at.
        case broken
        /// A session that starts or runs.
        case session(SessionNumber)
        /// A session that is being ended: its end takes the display along.
        case endingSession
        /// A session whose rows are gone.
        case endedSession
    }

    /// A display the records claim.
    public struct Claim: Equatable, Sendable {
        public var display: DisplayNumber
        /// The display's data link key, which no other has.
        public var key: Secret
        public var holder: Holder
        /// Seconds since it was claimed.
        public var age: Int
        /// Whether it stood when its host was last started, and the host has been started anew since.
        public var isOfAnotherBoot: Bool

        /// A claim as it is stored.
        public init(display: DisplayNumber, key: Secret, holder: Holder, age: Int, isOfAnotherBoot: Bool = false) {
            self.display = display
            self.key = key
            self.holder = holder
            self.age = age
            self.isOfAnotherBoot = isOfAnotherBoot
        }

        /// The one repair this claim asks for, `seen` being its display on the host, if it is there.
        fileprivate func repair(seen: Observed?) -> Repair? {
            let isPending = age < Reconciliation.pending && !isOfAnotherBoot
            switch holder {
            case .endingSession: return nil
            case .endedSession: return seen != nil ? .endDisplay(display, key: key) : .releaseClaim(display, key: key)
            case .nobody where isPending: return nil
            case .nobody: return seen != nil ? .endDisplay(display, key: key) : .releaseClaim(display, key: key)
            case .broken: return seen != nil ? .endDisplay(display, key: key) : nil
            case .pool: return seen != nil || isPending ? nil : .releaseClaim(display, key: key)
            case .session(let session):
                return isPending || seen?.serves(session) == true ? nil : .endSession(session)
            }
        }
    }

    /// A display that a host has.
    public struct Observed: Equatable, Sendable {
        public var display: DisplayNumber
        /// Its data link key; nil where the host did not tell.
        public var key: Secret?
        /// The session whose application it has, or had.
        public var session: SessionNumber?

        /// A display as its host tells of it.
        public init(display: DisplayNumber, key: Secret?, session: SessionNumber? = nil) {
            self.display = display
            self.key = key
            self.session = session
        }

        fileprivate func serves(_ number: SessionNumber) -> Bool { session == number }
    }

    /// The repairs: of displays in the order of their numbers, then of sessions. A display whose key is not its claim's is
    /// not the one that was claimed, but a stray that has its number.
    public static func plan(sessions: [Session], claims: [Claim], observed: [Observed]) -> [Repair] {
        let claimed = Dictionary(claims.map { ($0.display, $0.key) }) { first, _ in first }
        let isClaimed = { (seen: Observed) in
            claimed[seen.display].map { seen.key == nil || seen.key == $0 } ?? false
        }
        let here = Dictionary(observed.filter(isClaimed).map { ($0.display, $0) }) { first, _ in first }
        let strays = observed.filter { !isClaimed($0) }.map { ($0.display, Repair.endDisplay($0.display, key: $0.key)) }
        let asked = claims.compactMap { claim in
            claim.repair(seen: here[claim.display]).map { (claim.display, $0) }
        }
        return (strays + asked).sorted { $0.0 < $1.0 }.map(\.1) + sessions.compactMap(\.repair)
    }
}
