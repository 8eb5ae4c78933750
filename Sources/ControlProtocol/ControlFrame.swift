/// One line of JSON each way on the control socket, at most ``limit`` bytes with its newline. A connection may carry
/// many; `id` pairs a reply with its request, replies may come in another order.
public struct ControlFrame<Body: Codable & Sendable & Equatable>: Codable, Sendable, Equatable {
    public var id: UInt64
    public var body: Body

    /// A frame for `body`.
    public init(id: UInt64, body: Body) {
        self.id = id
        self.body = body
    }
}

/// A line on the control socket has at most this many bytes; longer ones end the connection.
public let controlFrameLimit = 512 * 1024
