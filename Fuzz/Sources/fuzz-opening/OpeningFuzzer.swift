import Fuzzer
import RelayProtocol
import SessionModel

/// A connection from its first byte to its view: what it is by its first bytes, what it asks for, and the RFB handshake
/// with both sides' bytes; and what a stock native viewer says up to its password. The first byte of an input says how the rest is cut, the second whether the relay knows the
/// display's password.
@main
struct OpeningFuzzer {
    static func main() {
        Fuzzer.run { start, count in
            let input = Fuzzer.bytes(start, count)
            guard input.count > 2 else { return 0 }
            let pieces = Fuzzer.pieces(of: input.dropFirst(2), seed: input[0])
            OpeningFuzzer.firstBytes(pieces)
            OpeningFuzzer.handshake(pieces, password: input[1] & 1 == 0 ? nil : Secret("testtest"))
            let whole = OpeningFuzzer.native([Array(input.dropFirst(2))])
            Fuzzer.check(whole == OpeningFuzzer.native(pieces), "a native viewer's opening differs when cut")
            return 0
        }
    }

    private struct Native: Equatable {
        var replies: [UInt8] = []
        var words: [String] = []
        var rest: [UInt8] = []
        var fault: VeNCryptOpening.Fault?
    }

    /// What the relay says, and what it understood.
    private static func native(_ pieces: [[UInt8]]) -> Native {
        var opening = VeNCryptOpening()
        var native = Native()
        for (index, piece) in pieces.enumerated() {
            var step = opening.viewerSent(piece)
            if case .secure(let reply, let early) = step {
                native.replies += reply
                step = opening.viewerSent(early)
            }
            switch step {
            case .reply(let reply): native.replies += reply
            case .secure: Fuzzer.check(false, "TLS twice")
            case .enter(let name, let password, let early):
                native.words = [name, password.exposed]
                native.rest = early + pieces[(index + 1)...].joined()
                return native
            case .refused(let reply, let fault):
                native.replies += reply
                native.fault = fault
                return native
            }
        }
        return native
    }

    /// What is decided stays so.
    private static func firstBytes(_ pieces: [[UInt8]]) {
        var gathered: [UInt8] = []
        var known = FirstBytes.undecided
        for piece in pieces {
            gathered += piece
            let now = FirstBytes(gathered)
            Fuzzer.check(known == .undecided || known == now, "another protocol than before")
            known = now
        }
        if let head = try? HTTPHead.parse(gathered) { _ = ViewerRequest(head, origins: []) }
        _ = DataLinkAnswer(gathered)
    }

    /// Pieces come from the display and the viewer in turn.
    private static func handshake(_ pieces: [[UInt8]], password: Secret?) {
        var machine = RFBHandshake(password: password)
        for (index, piece) in pieces.enumerated() {
            let output = index.isMultiple(of: 2) ? try? machine.displaySent(piece) : try? machine.viewerSent(piece)
            guard output != nil, machine.progress == .running else { break }
        }
        let rest = machine.leftover()
        Fuzzer.check(rest.fromViewer.count + rest.fromDisplay.count <= pieces.joined().count, "more than was said")
    }
}
