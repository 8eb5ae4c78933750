/// A view as the viewer itself saw it.
public struct SeenView: Codable, Equatable, Sendable {
    /// The session's number.
    public var session: UInt64
    /// `stress-0001`.
    public var user: String
    /// When RFB stood, and when the connection was gone, in seconds since the run began.
    public var began: Double
    public var ended: Double
    /// Whether it had a whole picture; one that had none may have been too short for the ledger.
    public var hadPicture: Bool
    /// Whether it went without a goodbye.
    public var wasCut: Bool

    /// A view that lasted so long.
    public init(session: UInt64, user: String, began: Double, ended: Double, hadPicture: Bool, wasCut: Bool) {
        self.session = session
        self.user = user
        self.began = began
        self.ended = ended
        self.hadPicture = hadPicture
        self.wasCut = wasCut
    }

    /// How long it lasted.
    public var seconds: Double { max(0, ended - began) }
}

/// A view as the ledger has it.
public struct LedgerRow: Codable, Equatable, Sendable {
    public var session: UInt64
    public var user: String
    public var seconds: Double
    /// Seconds in which anybody watched the session; nil while they are not there.
    public var viewtime: Double?

    /// A row of the ledger.
    public init(session: UInt64, user: String, seconds: Double, viewtime: Double? = nil) {
        self.session = session
        self.user = user
        self.seconds = seconds
        self.viewtime = viewtime
    }
}

/// Whether the ledger agrees with what the viewers saw: each view that had a picture has one row with its seconds, and no
/// row is without a view.
public struct LedgerCheck: Equatable, Sendable {
    /// Seconds by which a row may differ from its view.
    public static let tolerance = 1.0
    /// Seconds more for a view that went without a goodbye: the relay hears of that from the kernel, when its turn comes.
    public static let cutTolerance = 1.0

    /// Views that had a picture.
    public let views: Int
    public let rows: Int
    /// One plain sentence for each disagreement.
    public let mismatches: [String]

    /// Compares `seen` with `rows`, and with `times`, the seconds by session in which anybody watched it; nil: nobody told
    /// them. `slack` is seconds by which every row may differ more: where the gateway was broken on
    /// purpose, the ledger promises less.
    public init(seen: [SeenView], rows: [LedgerRow], times: [UInt64: Double]? = nil, slack: Double = 0) {
        views = seen.count { $0.hadPicture }
        self.rows = rows.count
        let views = Dictionary(grouping: seen, by: \.session)
        let kept = Dictionary(grouping: rows, by: \.session)
        mismatches = Set(views.keys).union(kept.keys).sorted().flatMap { session in
            Self.compare(session, views[session] ?? [], kept[session] ?? [], slack)
                + (times.map { Self.compareTime(session, views[session] ?? [], $0[session], slack) } ?? [])
        }
    }

    /// The time in which anybody watched: what views have in common counts once. Each view may add its difference.
    private static func compareTime(
        _ session: UInt64, _ seen: [SeenView], _ seconds: Double?, _ slack: Double
    ) -> [String] {
        let pictured = seen.filter(\.hadPicture)
        guard let seconds else {
            return pictured.isEmpty ? [] : ["Session \(session) was watched and has no time in the ledger."]
        }
        let allowed = seen.reduce(tolerance) { $0 + Self.allowed($1, slack) }
        let (least, most) = (watched(pictured), watched(seen))
        guard (least - allowed...most + allowed).contains(seconds) else {
            return ["Session \(session) was watched for \(told(least)) s and has a time of \(told(seconds)) s."]
        }
        return []
    }

    /// Seconds that at least one of `views` covers.
    private static func watched(_ views: [SeenView]) -> Double {
        var (sum, end) = (0.0, -Double.infinity)
        for view in views.sorted(by: { $0.began < $1.began }) {
            sum += max(0, view.ended - max(end, view.began))
            end = max(end, view.ended)
        }
        return sum
    }

    /// Seconds by which a view's row may differ.
    private static func allowed(_ view: SeenView, _ slack: Double) -> Double {
        tolerance + slack + (view.wasCut ? cutTolerance : 0)
    }

    private static func compare(
        _ session: UInt64, _ seen: [SeenView], _ rows: [LedgerRow], _ slack: Double
    ) -> [String] {
        var found: [String] = []
        for row in rows
        where seen.contains(where: { $0.user != row.user }) && !seen.contains(where: { $0.user == row.user }) {
            found.append("Session \(session) has a row of \(row.user), who did not view it.")
        }
        let required = seen.filter(\.hadPicture).sorted { $0.seconds < $1.seconds }
        var left = rows.map(\.seconds).sorted()
        guard left.count >= required.count else {
            found.append("Session \(session) had \(required.count) views and has \(left.count) rows.")
            return found
        }
        // In the order of their lengths the sum of the differences is least; which rows are those of views without a
        // picture is decided by what fits worst.
        var optional = seen.filter { !$0.hadPicture }
        while left.count > required.count, !optional.isEmpty {
            optional.removeLast()
            left.remove(at: worst(required, left))
        }
        if left.count > required.count {
            found.append("Session \(session) had \(seen.count) views and has \(rows.count) rows.")
        }
        while left.count > required.count { left.remove(at: worst(required, left)) }
        for (view, seconds) in zip(required, left) {
            // A comparison that no number fulfils is a difference.
            guard abs(seconds - view.seconds) <= allowed(view, slack) else {
                found.append(
                    "Session \(session) has a row of \(told(seconds)) s for a view of \(told(view.seconds)) s.")
                continue
            }
        }
        return found
    }

    /// Which of the sorted `rows`, of which there are more, is best left out.
    private static func worst(_ views: [SeenView], _ rows: [Double]) -> Int {
        rows.indices.min { cost(views, rows, without: $0) < cost(views, rows, without: $1) } ?? 0
    }

    private static func cost(_ views: [SeenView], _ rows: [Double], without place: Int) -> Double {
        var rows = rows
        rows.remove(at: place)
        return zip(views, rows).reduce(0) { $0 + abs($1.0.seconds - $1.1) }
    }

    private static func told(_ seconds: Double) -> String {
        seconds.isFinite ? "\((seconds * 1000).rounded() / 1000)" : "\(seconds)"
    }
}
