/// What a host's own account of its displays asks for, held against the records. Pure; the first part of what makes
/// records and hosts agree again after anything died.
public enum DisplayRepair: Equatable, Sendable {
    /// The records have a session there, the host no such display: the session is over.
    case endSession(SessionNumber)
    /// The host has a display that no record claims: it is ended.
    case endDisplay(DisplayNumber)
    /// The records claim a display that the host does not have and no session uses: the claim is given back.
    case releaseClaim(DisplayNumber)

    /// A display the records claim.
    public struct Claim: Equatable, Sendable {
        public var display: DisplayNumber
        public var session: SessionNumber?
        /// Seconds since it was claimed.
        public var age: Int

        /// A claim as it is stored.
        public init(display: DisplayNumber, session: SessionNumber?, age: Int) {
            self.display = display
            self.session = session
            self.age = age
        }
    }

    /// Claims younger than this, in seconds, may still be on their way to the host: they are left alone.
    public static let pending = 60

    /// The repairs, in the order of the display numbers.
    public static func plan(claims: [Claim], observed: [DisplayNumber]) -> [DisplayRepair] {
        let here = Set(observed)
        let claimed = Set(claims.map(\.display))
        let missing = claims.filter { !here.contains($0.display) && $0.age >= pending }
        let repairs = missing.map { claim in
            claim.session.map { (claim.display, .endSession($0)) } ?? (
                claim.display, DisplayRepair.releaseClaim(claim.display)
            )
        }
        let strays = here.subtracting(claimed).map { ($0, DisplayRepair.endDisplay($0)) }
        return (repairs + strays).sorted { $0.0 < $1.0 }.map(\.1)
    }
}
