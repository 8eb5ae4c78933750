/// What a host's own account of its displays asks for, held against the records. Pure; the first part of what makes
/// records and hosts agree again after anything died.
public enum DisplayRepair: Equatable, Sendable {
    /// The records have a session there, the host no such display: the session is over.
    case endSession(SessionNumber)
    /// The host has a display that nothing needs: it is ended and its claim, if there is one, given back. Without a key
    /// whatever has the number.
    case endDisplay(DisplayNumber, key: Secret?)
    /// The records claim a display that the host does not have and nothing needs: the claim is given back.
    case releaseClaim(DisplayNumber, key: Secret)

    /// Who a claimed display is for.
    public enum Holder: Equatable, Sendable {
        /// Nobody yet: a start is under way, or died.
        case nobody
        /// Whoever starts next: it is ready, and waits.
        case pool
        /// Nobody ever: it is broken, and its record stays for a while to be looked at.
        case broken
        /// A session that lives, or is being ended.
        case session(SessionNumber)
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

        /// The one repair this claim asks for, when its display `isThere` or not.
        func repair(isThere: Bool) -> DisplayRepair? {
            let isPending = age < DisplayRepair.pending && !isOfAnotherBoot
            switch holder {
            case .endedSession: return isThere ? .endDisplay(display, key: key) : .releaseClaim(display, key: key)
            case .nobody where isPending: return nil
            case .nobody: return isThere ? .endDisplay(display, key: key) : .releaseClaim(display, key: key)
            case .broken: return isThere ? .endDisplay(display, key: key) : nil
            case .pool: return isThere || isPending ? nil : .releaseClaim(display, key: key)
            case .session(let session): return isThere || isPending ? nil : .endSession(session)
            }
        }
    }

    /// Claims younger than this, in seconds, may still be on their way to the host: they are left alone.
    public static let pending = 60

    /// A display that a host has.
    public struct Observed: Equatable, Sendable {
        public var display: DisplayNumber
        /// Its data link key; nil where the host did not tell.
        public var key: Secret?

        /// A display as its host tells of it.
        public init(display: DisplayNumber, key: Secret?) {
            self.display = display
            self.key = key
        }
    }

    /// The repairs, in the order of the display numbers. A display whose key is not its claim's is not the one that was
    /// claimed, but a stray that has its number.
    public static func plan(claims: [Claim], observed: [Observed]) -> [DisplayRepair] {
        let claimed = Dictionary(claims.map { ($0.display, $0.key) }) { first, _ in first }
        let isClaimed = { (seen: Observed) in
            claimed[seen.display].map { seen.key == nil || seen.key == $0 } ?? false
        }
        let here = Set(observed.filter(isClaimed).map(\.display))
        let strays = observed.filter { !isClaimed($0) }.map {
            ($0.display, DisplayRepair.endDisplay($0.display, key: $0.key))
        }
        let asked = claims.compactMap { claim in
            claim.repair(isThere: here.contains(claim.display)).map { (claim.display, $0) }
        }
        return (strays + asked).sorted { $0.0 < $1.0 }.map(\.1)
    }
}
