import Fuzzer
import RelayProtocol
import SessionModel

/// A viewer's messages: cut anywhere they come out the same, and what came out passes a second time unchanged. The first
/// byte of an input says how it is cut.
@main
struct MessagesFuzzer {
    static func main() {
        Fuzzer.run { start, count in
            let input = Fuzzer.bytes(start, count)
            guard let seed = input.first else { return 0 }
            for mode in [ViewMode.act, .watch] {
                let whole = MessagesFuzzer.filtered([Array(input.dropFirst())], mode)
                let cut = MessagesFuzzer.filtered(Fuzzer.pieces(of: input.dropFirst(), seed: seed), mode)
                Fuzzer.check(whole.fault == cut.fault, "another fault when cut")
                Fuzzer.check(cut.bytes.starts(with: whole.bytes), "other bytes when cut")
                Fuzzer.check(whole.fault != nil || whole.bytes == cut.bytes, "more bytes when cut")
                let again = MessagesFuzzer.filtered([cut.bytes], mode)
                Fuzzer.check(again.fault == nil && again.bytes == cut.bytes, "what went to the display does not pass")
            }
            return 0
        }
    }

    private static func filtered(
        _ pieces: [[UInt8]], _ mode: ViewMode
    ) -> (bytes: [UInt8], fault: ClientMessageFault?) {
        var messages = ClientMessages(mode: mode)
        var all: [UInt8] = []
        for piece in pieces {
            var output = [UInt8](repeating: 0, count: ClientMessages.outputRoom(for: piece.count))
            do {
                let count = try piece.withUnsafeBytes { input in
                    try output.withUnsafeMutableBytes { try messages.filter(input, into: $0) }
                }
                all += output.prefix(count)
            } catch {
                return (all, error as? ClientMessageFault)
            }
        }
        return (all, nil)
    }
}
