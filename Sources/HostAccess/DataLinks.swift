import SessionModel

/// All the ways of a host's pictures. ssh looks at each of its connections whenever one of them has something: a thousand
/// viewers cost far less on several links than on one, and each link has a processor of its own at either end.
public struct DataLinks: Sendable {
    /// Links of a host.
    static let lanes = 4
    private let links: [DataLink]

    /// Links that are opened by ``open()``, or by the first viewer who needs one.
    public init(_ endpoint: HostEndpoint, settings: HostAccessSettings) {
        links = (0..<Self.lanes).map { DataLink(endpoint, settings: settings, lane: $0) }
    }

    /// The one that `display`'s viewers take.
    public func link(of display: DisplayNumber) -> DataLink { links[display.value % links.count] }

    /// Opens all of them, one after the other: an sshd turns away who comes many at a time (sshd_config(5), MaxStartups).
    public func open() async throws(HostAccessError) {
        for link in links { _ = try await link.socket() }
    }

    /// Ends all of them: the host is removed.
    public func close() async {
        for link in links { await link.close() }
    }
}
