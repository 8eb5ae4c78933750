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
        /// Whether it takes no new sessions, so that it can be taken out of use.
        public var isDraining: Bool
        /// Whether it is up, but failed lately and rests: it is tried when no other is left.
        public var isSetAside: Bool
        /// Whether its agent channel stands.
        public var isConnected: Bool
        public var uses: Int
        /// Starts that are on their way there and have taken no display yet: they are in no use.
        public var underWay: Int
        /// 0: no limit.
        public var maximumUses: Int
        /// Ready displays of the kind that is asked for, less those that starts under way will have.
        public var ready: Int
        /// Memory the host could still give, in MiB, as it told last; nil: unknown.
        public var memoryAvailable: Int?
        /// The load average of its last minute over its cores, as it told last; nil: unknown.
        public var loadPerCore: Double?
        /// Sessions on the host of the user who starts one.
        public var sessionsOfUser: Int

        /// A host with all that is weighed.
        public init(
            host: HostName, provisions: UInt64, zone: Int, isUp: Bool, isDraining: Bool = false,
            isSetAside: Bool = false, isConnected: Bool, uses: Int, underWay: Int = 0, maximumUses: Int, ready: Int = 0,
            memoryAvailable: Int? = nil, loadPerCore: Double? = nil,
            sessionsOfUser: Int = 0
        ) {
            self.host = host
            self.provisions = provisions
            self.zone = zone
            self.isUp = isUp
            self.isDraining = isDraining
            self.isSetAside = isSetAside
            self.isConnected = isConnected
            self.uses = uses
            self.underWay = underWay
            self.maximumUses = maximumUses
            self.ready = ready
            self.memoryAvailable = memoryAvailable
            self.loadPerCore = loadPerCore
            self.sessionsOfUser = sessionsOfUser
        }

        var isFull: Bool { maximumUses > 0 && uses >= maximumUses }

        /// Whether another session would be one too many for it.
        var isStrained: Bool {
            (memoryAvailable.map { $0 < Placement.enoughMemory } ?? false)
                || loadStep >= Int(Placement.highLoad / Self.loadStepSize)
        }

        private static let loadStepSize = 0.5

        /// Its load in steps of half a core's worth: smaller differences are noise. What no load can be counts as
        /// unknown.
        var loadStep: Int {
            guard let loadPerCore, loadPerCore.isFinite, loadPerCore > 0 else { return 0 }
            return Int(min(loadPerCore, 1e6) / Self.loadStepSize)
        }
    }

    /// Why no host is left: the first sieve that let none through. A draining host counts as not up.
    public enum Obstacle: Error, Equatable, Sendable {
        case noHosts, nothingProvides, nothingInZone, nothingUp, nothingConnected, everythingFull
    }

    /// A host with less memory than this, in MiB, comes after all that have it.
    public static let enoughMemory = 256
    /// A host with this load per core or more, too.
    public static let highLoad = 4.0

    /// The hosts to try, best first. Of two, the first of these that tells them apart decides:
    ///
    /// 1. it is not set aside;
    /// 2. memory is not short (``enoughMemory`` or more) and the load not high (less than ``highLoad``); unknown is fine;
    /// 3. a ready display is at hand;
    /// 4. fewer uses and starts under way: relative to the limit where every host that is left has one, absolute otherwise, so that the
    ///    order has no circle;
    /// 5. less load per core, in steps of 0.5 (unknown: 0);
    /// 6. fewer sessions of this user;
    /// 7. a shuffle by `seed`, the same for a seed however the candidates are listed.
    ///
    /// - Parameters:
    ///   - required: bits a host must have, ALL of them.
    ///   - zone: only hosts of this zone; nil: of any.
    ///   - seed: any number; another one for every start spreads what is equal.
    public static func order(
        _ candidates: [Candidate], required: UInt64, zone: Int?, seed: UInt64
    ) throws(Obstacle) -> [HostName] {
        var left = candidates
        let sieves: [(Obstacle, (Candidate) -> Bool)] = [
            (.noHosts, { _ in true }),
            (.nothingProvides, { $0.provisions & required == required }),
            (.nothingInZone, { zone == nil || $0.zone == zone }),
            (.nothingUp, { $0.isUp && !$0.isDraining }),
            (.nothingConnected, \.isConnected),
            (.everythingFull, { !$0.isFull }),
        ]
        for (obstacle, passes) in sieves {
            left = left.filter(passes)
            if left.isEmpty { throw obstacle }
        }
        let isRelative = left.allSatisfy { $0.maximumUses > 0 }
        var generator = SeededGenerator(seed: seed)
        return left.sorted { $0.host < $1.host }.shuffled(using: &generator).enumerated()
            .map { place, candidate in (weight: Weight(candidate, isRelative: isRelative, place), candidate.host) }
            .sorted { $0.weight < $1.weight }.map(\.1)
    }

    /// What decides between two hosts, the weightiest first; less is better.
    private struct Weight: Comparable {
        let trouble: Int
        let ready: Int
        let uses: Double
        let load: Int
        let sessions: Int
        let place: Int

        init(_ candidate: Candidate, isRelative: Bool, _ place: Int) {
            trouble = (candidate.isSetAside ? 2 : 0) + (candidate.isStrained ? 1 : 0)
            ready = candidate.ready > 0 ? 0 : 1
            uses = Double(candidate.uses + candidate.underWay) / (isRelative ? Double(candidate.maximumUses) : 1)
            load = candidate.loadStep
            sessions = candidate.sessionsOfUser
            self.place = place
        }

        static func < (left: Weight, right: Weight) -> Bool {
            (left.trouble, left.ready, left.uses, left.load, left.sessions, left.place)
                < (right.trouble, right.ready, right.uses, right.load, right.sessions, right.place)
        }
    }
}
