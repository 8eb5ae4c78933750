/// What a host's own account of its displays asks for, held against the records. Pure; the first part of what makes
/// records and hosts agree again after anything died.
public enum DisplayRepair: Equatable, Sendable {
    /// The records have a session there, the host no such display: the session is over.
    case endSession(SessionNumber)
    /// The host has a display that nothing needs: it is ended and its claim, if there is one, given back.
    case endDisplay(DisplayNumber)
    /// The records claim a display that the host does not have and nothing needs: the claim is given back.
    case releaseClaim(DisplayNumber)

    /// Who a claimed display is for.
    public enum Holder: Equatable, Sendable {
        /// Nobody yet: a start is under way, or died.
        case nobody
        /// A session that lives, or is being ended.
        case session(SessionNumber)
        /// A session whose rows are gone.
        case endedSession
    }

    /// A display the records claim.
    public struct Claim: Equatable, Sendable {
        public var display: DisplayNumber
        public var holder: Holder
        /// Seconds since it was claimed.
        public var age: Int

        /// A claim as it is stored.
        public init(display: DisplayNumber, holder: Holder, age: Int) {
            self.display = display
            self.holder = holder
            self.age = age
        }

        /// The one repair this claim asks for, when its display `isThere` or not.
        func repair(isThere: Bool) -> DisplayRepair? {
            let isPending = age < DisplayRepair.pending
            switch holder {
            case .endedSession: return isThere ? .endDisplay(display) : .releaseClaim(display)
            case .nobody where isPending: return nil
            case .nobody: return isThere ? .endDisplay(display) : .releaseClaim(display)
            case .session(let session): return isThere || isPending ? nil : .endSession(session)
            }
        }
    }

    /// Claims younger than this, in seconds, may still be on their way to the host: they are left alone.
    public static let pending = 60

    /// The repairs, in the order of the display numbers.
    public static func plan(claims: [Claim], observed: [DisplayNumber]) -> [DisplayRepair] {
        let here = Set(observed)
        let asked = claims.compactMap { claim in
            claim.repair(isThere: here.contains(claim.display)).map { (claim.display, $0) }
        }
        let strays = here.subtracting(claims.map(\.display)).map { ($0, DisplayRepair.endDisplay($0)) }
        return (asked + strays).sorted { $0.0 < $1.0 }.map(\.1)
    }
}
