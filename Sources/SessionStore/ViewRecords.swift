import SessionModel

/// A live view's last proof of life.
public struct ViewProof: Sendable, Equatable {
    /// The view's number.
    public var view: UInt64
    /// When it began, in seconds of its relay's clock.
    public var began: Double
    /// Seconds from then to the last proof.
    public var seconds: Double
    /// Seconds from then to now.
    public var age: Double

    /// A view that is proven to have lived for so long.
    public init(view: UInt64, began: Double, seconds: Double, age: Double) {
        self.view = view
        self.began = began
        self.seconds = seconds
        self.age = age
    }
}

/// A view's end, as its relay saw it.
public struct ViewClosing: Sendable, Equatable {
    /// The view's number.
    public var view: UInt64
    /// When it began, in seconds of `clock`; nil: its viewer never saw the display, and nothing is logged.
    public var began: Double?
    /// The clock: one boot of one machine.
    public var clock: String
    /// Seconds from `began` to now; nil where that clock runs no more.
    public var age: Double?
    /// Seconds from `began` to the last proof of life.
    public var seconds: Double
    /// Bytes that went to the viewer.
    public var toViewer: UInt64
    /// Bytes that came from the viewer.
    public var fromViewer: UInt64
    /// Why it ended; 80 characters are kept.
    public var cause: String

    /// A view that ended.
    public init(
        view: UInt64, began: Double?, clock: String, age: Double?, seconds: Double, toViewer: UInt64,
        fromViewer: UInt64, cause: String
    ) {
        self.view = view
        self.began = began
        self.clock = clock
        self.age = age
        self.seconds = seconds
        self.toViewer = toViewer
        self.fromViewer = fromViewer
        self.cause = cause
    }
}

/// A relay that was heard, or that has open views.
public struct RelayRecord: Sendable, Equatable {
    /// The relay, whoever runs it; the instance's own name for a life that left; empty for a life of one that has open
    /// views and was never heard, or whose place was taken by another life.
    public var name: String
    /// This life of it.
    public var instance: String
    /// How often it was heard.
    public var beats: UInt64

    /// Whether another life of the relay has its port, so that no viewer comes to this one any more.
    public var isLeaving: Bool { name == instance }

    /// A relay as it is recorded.
    public init(name: String, instance: String, beats: UInt64) {
        self.name = name
        self.instance = instance
        self.beats = beats
    }
}

/// An open view: somebody watches.
public struct WatcherRecord: Sendable, Equatable {
    /// The person.
    public var user: UserName
    /// When the viewer came to see the display, UTC, `2026-01-31 12:00:00.000`.
    public var since: String
    /// The viewer's address as the relay saw it.
    public var address: String
    /// What the person may do.
    public var mode: ViewMode
}

/// What one person watched of a session, by views that have ended.
public struct ViewingRecord: Sendable, Equatable {
    /// The person.
    public var user: UserName
    /// How many views.
    public var views: Int
    /// The sum of their lengths: views at the same time count each.
    public var seconds: Double
    /// Bytes that went to the person's viewers.
    public var toViewer: UInt64
    /// Bytes that came from them.
    public var fromViewer: UInt64
}
