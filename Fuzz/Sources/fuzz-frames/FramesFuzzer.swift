import Fuzzer
import RelayProtocol

/// A viewer's WebSocket frames, and base64 in them: cut anywhere they say the same. The first byte of an input says how
/// it is cut.
@main
struct FramesFuzzer {
    static func main() {
        Fuzzer.run { start, count in
            let input = Fuzzer.bytes(start, count)
            guard let seed = input.first else { return 0 }
            for acceptsText in [false, true] {
                let whole = FramesFuzzer.said([Array(input.dropFirst())], acceptsText)
                let cut = FramesFuzzer.said(Fuzzer.pieces(of: input.dropFirst(), seed: seed), acceptsText)
                Fuzzer.check(whole == cut, "cut frames say something else")
                let text = FramesFuzzer.decoded(Fuzzer.pieces(of: whole.data, seed: seed))
                Fuzzer.check(FramesFuzzer.decoded([whole.data]) == text, "cut base64 says something else")
            }
            return 0
        }
    }

    private struct Said: Equatable {
        var data: [UInt8] = []
        var messages = 0
        var others: [WebSocketEvent] = []
    }

    private static func said(_ pieces: [[UInt8]], _ acceptsText: Bool) -> Said {
        var reader = WebSocketReader(acceptsText: acceptsText)
        var said = Said()
        for piece in pieces {
            var piece = piece
            let isOver = piece.withUnsafeMutableBytes { buffer in
                var position = 0
                while true {
                    let event = reader.next(buffer, at: &position)
                    switch event {
                    case .needMore:
                        Fuzzer.check(position == buffer.count, "asks for more before all is used up")
                        return false
                    case .data(let range, let endsMessage):
                        said.data += buffer[range]
                        said.messages += endsMessage ? 1 : 0
                    case .close, .broken:
                        said.others.append(event)
                        return true
                    case .ping(let payload):
                        Fuzzer.check(payload.count <= 125, "a long ping")
                        said.others.append(event)
                    case .pong: said.others.append(event)
                    }
                }
            }
            if isOver { break }
        }
        return said
    }

    private static func decoded(_ pieces: [[UInt8]]) -> [UInt8]? {
        var decoder = Base64Decoder()
        var all: [UInt8] = []
        for piece in pieces {
            var piece = piece
            guard let count = piece.withUnsafeMutableBytes({ decoder.decode($0) }) else { return nil }
            all += piece.prefix(count)
        }
        return all
    }
}
