/// When a viewer was last known to live: nothing else says how long it watched. Times are seconds of one clock that
/// only goes forward.
public struct ProofOfLife: Sendable, Equatable {
    /// Seconds without a proof after which a viewer is dead.
    public static let patience = 60.0

    /// The last proof.
    public private(set) var last: Double

    /// A peer that was heard at `now`.
    public init(at now: Double) { last = now }

    /// Whether an acknowledgement of the viewer's TCP proves its life. A WebSocket is asked with pings, which its program
    /// answers and not its kernel; only while that answer could not come through, because bytes wait on either way
    /// (`isHeldUp`), the kernel speaks for it.
    public static func acknowledgementCounts(isWebSocket: Bool, isHeldUp: Bool) -> Bool { !isWebSocket || isHeldUp }

    /// The viewer was heard: a byte, or the orderly end of its side.
    public mutating func heard(at now: Double) { last = max(last, now) }

    /// The viewer's TCP acknowledged something `age` seconds ago.
    public mutating func acknowledged(_ age: Double, ago now: Double) { last = max(last, now - max(0, age)) }

    /// Whether nothing proved the viewer's life for too long.
    public func isDead(at now: Double) -> Bool { now - last > ProofOfLife.patience }

    /// Seconds from `began` to the last proof; none of them before `began`, none after `now`.
    public func seconds(since began: Double, at now: Double) -> Double { max(0, min(last, now) - began) }
}
