/// What relays told of views while it could not be written to the tables. Pure: folds many words about a view into the
/// last one, in any order.
public struct ViewBacklog: Sendable, Equatable {
    /// A word about one view.
    public struct Entry: Codable, Sendable, Equatable {
        public var view: UInt64
        /// When its viewer began to see the display, on the clock `clock`; nil: it ended before.
        public var began: Double?
        /// The clock that `began` is read from: a machine's boot.
        public var clock: String
        /// When it began, in seconds since 1970, as the machine's date was when it was told: for a reader on another clock.
        public var opened: Double
        /// Seconds to the last proof of life.
        public var seconds: Double
        public var end: End?

        /// How a view ended.
        public struct End: Codable, Sendable, Equatable {
            public var bytesToViewer: UInt64
            public var bytesFromViewer: UInt64
            public var cause: String

            /// A view's end, with what it moved.
            public init(bytesToViewer: UInt64, bytesFromViewer: UInt64, cause: String) {
                self.bytesToViewer = bytesToViewer
                self.bytesFromViewer = bytesFromViewer
                self.cause = cause
            }
        }

        /// What was told of a view.
        public init(
            view: UInt64, began: Double?, clock: String, opened: Double, seconds: Double, end: End? = nil
        ) {
            self.view = view
            self.began = began
            self.clock = clock
            self.opened = opened
            self.seconds = seconds
            self.end = end
        }
    }

    private var entries: [UInt64: Entry] = [:]

    /// Nothing yet.
    public init() {}

    /// Takes in a word: an end stands, and a proof of life never gets younger.
    public mutating func add(_ entry: Entry) {
        guard let known = entries[entry.view] else {
            entries[entry.view] = entry
            return
        }
        var merged = known.end == nil && entry.end != nil ? entry : known
        merged.began = known.began ?? entry.began
        if known.end == nil { merged.seconds = entry.end == nil ? max(known.seconds, entry.seconds) : entry.seconds }
        entries[entry.view] = merged
    }

    /// One word a view, by number.
    public var words: [Entry] { entries.values.sorted { $0.view < $1.view } }
}
