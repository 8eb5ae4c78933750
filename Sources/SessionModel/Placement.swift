/// Which hosts a start tries, and in which order. Pure: everything it knows is given.
public enum Placement {
    /// A host as far as choosing needs it.
    public struct Candidate: Sendable, Equatable {
        public var host: HostName
        /// The portal's `host.provisions`: one bit a `hosttype`.
        public var provisions: UInt64
        public var zone: Int
        /// Whether its status is `up`.
        public var isUp: Bool
        /// Whether its agent channel stands.
        public var isConnected: Bool
        public var uses: Int
        /// 0: no limit.
        public var maximumUses: Int

        /// A host with all that is weighed.
        public init(
            host: HostName, provisions: UInt64, zone: Int, isUp: Bool, isConnected: Bool, uses: Int, maximumUses: Int
        ) {
            self.host = host
            self.provisions = provisions
            self.zone = zone
            self.isUp = isUp
            self.isConnected = isConnected
            self.uses = uses
            self.maximumUses = maximumUses
        }

        var isFull: Bool { maximumUses > 0 && uses >= maximumUses }
    }

    /// Why no host is left: the first sieve that let none through.
    public enum Obstacle: Error, Equatable, Sendable {
        case noHosts, nothingProvides, nothingInZone, nothingUp, nothingConnected, everythingFull
    }

    /// The hosts to try, least used first, then by name.
    ///
    /// - Parameters:
    ///   - required: bits a host must have, ALL of them.
    ///   - zone: only hosts of this zone; nil: of any.
    public static func order(
        _ candidates: [Candidate], required: UInt64, zone: Int?
    ) throws(Obstacle) -> [HostName] {
        var left = candidates
        let sieves: [(Obstacle, (Candidate) -> Bool)] = [
            (.noHosts, { _ in true }),
            (.nothingProvides, { $0.provisions & required == required }),
            (.nothingInZone, { zone == nil || $0.zone == zone }),
            (.nothingUp, \.isUp),
            (.nothingConnected, \.isConnected),
            (.everythingFull, { !$0.isFull }),
        ]
        for (obstacle, passes) in sieves {
            left = left.filter(passes)
            if left.isEmpty { throw obstacle }
        }
        return left.sorted { ($0.uses, $0.host) < ($1.uses, $1.host) }.map(\.host)
    }
}
