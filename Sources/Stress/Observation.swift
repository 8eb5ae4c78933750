/// What a run sees, as it sees it. All moments are in seconds since the run began, all spans in seconds.
public enum Observation: Sendable, Equatable {
    /// The start of a session of the plan, counted from 0, was asked for.
    case asked(session: Int, at: Double)
    case started(session: Int, at: Double, took: Double, number: UInt64)
    /// A word failed: `start`, `view`, `ticket` or `stop`.
    case refused(session: Int, at: Double, took: Double, Failure)
    /// The relay let a viewer in: TLS and the opening are done.
    case opened(ViewerName, at: Double, took: Double)
    /// The viewer has its first whole picture; `took` counts from the moment its session's start was to be asked for, without
    /// the time that the plan has it come later, where it is the session's first viewer there, else nil.
    case picture(ViewerName, at: Double, took: Double?)
    case update(ViewerName, at: Double, bytes: Int)
    /// What it typed showed in the picture.
    case echo(ViewerName, at: Double, took: Double)
    /// It has no picture any more: it cut its connection, as it was to, lost it, or left with a goodbye at the end.
    case left(ViewerName, at: Double)
    /// It is back, and has a whole picture again; `gap` counts from the cut.
    case returned(ViewerName, at: Double, gap: Double)
    /// It was refused, as one that means harm is to be.
    case turnedAway(ViewerName, at: Double)
    /// Something went wrong for it; where it lost its picture by that, ``left(_:at:)`` tells so too.
    case viewerFailed(ViewerName, at: Double, Failure)
    case stopped(session: Int, at: Double, took: Double)
    /// Its stop was refused for good: mostly it ended before, by a fault or for want of viewers.
    case gone(session: Int, at: Double)
    case sampled(Sample)
    /// A fault on purpose, and what it took until the gateway was well again (nil: it is not yet).
    case fault(String, at: Double, healed: Double?)
    /// Something went wrong that is no word's and no viewer's: a fault that did not heal, a session that was ended wrongly.
    case trouble(at: Double, Failure)

    /// When it was, in seconds since the run began.
    public var moment: Double {
        switch self {
        case .asked(_, let at), .started(_, let at, _, _), .refused(_, let at, _, _), .opened(_, let at, _),
            .picture(_, let at, _), .update(_, let at, _), .echo(_, let at, _), .left(_, let at),
            .returned(_, let at, _),
            .turnedAway(_, let at), .viewerFailed(_, let at, _), .stopped(_, let at, _),
            .gone(_, let at), .fault(_, let at, _), .trouble(let at, _):
            at
        case .sampled(let sample): sample.at
        }
    }

    /// A viewer of the plan.
    public struct ViewerName: Hashable, Sendable {
        /// Which session of the plan, and which of its viewers, counted from 0.
        public var session: Int
        public var viewer: Int

        /// That viewer.
        public init(session: Int, viewer: Int) {
            self.session = session
            self.viewer = viewer
        }
    }

    /// Why something failed.
    public struct Failure: Hashable, Codable, Sendable {
        /// What many failures have in common: "start: no host", "viewer: TLS", …; never with a number in it.
        public var kind: String
        /// This one's own words.
        public var example: String

        /// A failure of that kind.
        public init(_ kind: String, _ example: String) {
            self.kind = kind
            self.example = example
        }
    }
}
