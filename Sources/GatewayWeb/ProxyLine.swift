import Logging
import NIOCore

/// Takes the relay's line off each connection before HTTP begins, and with it the client's address: PROXY protocol
/// version 1 (HAProxy's proxy-protocol.txt §2.1), `PROXY TCP4 192.0.2.1 192.0.2.2 40000 563\r\n`. The address comes
/// from nowhere else; a connection that starts in another way is closed.
final class ProxyLine: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// The longest line there is, with its end.
    private static let limit = 107

    private let logger: Logger
    private var waiting = ByteBuffer()

    init(logger: Logger) { self.logger = logger }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var arrived = unwrapInboundIn(data)
        waiting.writeBuffer(&arrived)
        guard let end = waiting.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) else {
            if waiting.readableBytes >= Self.limit { refuse(context) }
            return
        }
        let length = end - waiting.readerIndex + 1
        guard length <= Self.limit, let line = waiting.readString(length: length),
            let address = Self.client(in: line)
        else { return refuse(context) }
        logger.debug("connection", metadata: ["client": "\(address)"])
        if waiting.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(waiting)) }
        waiting.clear()
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }

    /// The source address of a complete line; nil when it is none, "unknown" when the relay does not know it.
    static func client(in line: String) -> String? {
        guard line.hasSuffix("\r\n") else { return nil }
        let words = line.dropLast().split(separator: " ", omittingEmptySubsequences: false)
        guard words.count >= 2, words[0] == "PROXY" else { return nil }
        switch words[1] {
        case "UNKNOWN": return "unknown"
        case "TCP4", "TCP6": return words.count == 6 ? String(words[2]) : nil
        default: return nil
        }
    }

    private func refuse(_ context: ChannelHandlerContext) {
        logger.warning("connection without the relay's line")
        waiting.clear()
        context.close(promise: nil)
    }
}
