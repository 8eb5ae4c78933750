import Glibc
import HostProtocol
import SessionModel

/// Why a local order was refused, for the person at the terminal.
struct LocalRefusal: Error {
    let words: String
    let status: ExitStatus
}

/// `startvnc` and `stopvnc`: a display that root on this host makes or ends by hand.
struct LocalOrder {
    private let request: HostRequest
    private let done: String

    /// Reads the words, and for `startvnc` the password on standard input.
    init(_ words: ArraySlice<String>) throws(LocalRefusal) {
        let words = Array(words)
        guard let number = Int(words[1]).flatMap({ try? DisplayNumber($0) }) else {
            throw Self.misuse("a display is a number from 1 to 65535")
        }
        guard getuid() == 0 else { throw Self.misuse("\(words[0]) is for root") }
        if words[0] == "stopvnc" {
            request = .endDisplay(display: number, patienceSeconds: 5)
            done = "display \(number) is stopped"
            return
        }
        guard let geometry = try? Geometry(words[2]) else { throw Self.misuse("a geometry looks like 1024x768") }
        guard let depth = Int(words[3]), [8, 16, 24].contains(depth) else {
            throw Self.misuse("a depth is 8, 16 or 24")
        }
        var uid = 2_000_000 + UInt32(number.value)
        if words.count == 6 {
            guard words[4] == "--uid", let given = UInt32(words[5]), given > 0, given < .max else {
                throw Self.misuse("after the depth only --uid UID may follow, and not root's")
            }
            uid = given
        }
        request = .makeDisplay(
            DisplayOrder(
                display: number, geometry: geometry, depth: depth, withGL: false, uid: uid,
                password: try Self.readPassword(), key: .token()))
        done = "display \(number) is ready"
    }

    /// Does it; answers the line to print.
    func perform(run: RunFolder) throws(LocalRefusal) -> String {
        do throws(HostFailure) {
            if case .failed(let failure) = try Server.once(run: run, request) { throw failure }
            return done
        } catch {
            throw LocalRefusal(words: error.cause, status: .unavailable)
        }
    }

    private static func misuse(_ words: String) -> LocalRefusal { LocalRefusal(words: words, status: .usage) }

    /// The first line of standard input, or its first 8 bytes: VncAuth uses no more (RFC 6143 §7.2.2).
    private static func readPassword() throws(LocalRefusal) -> Secret {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while bytes.count < 8, read(0, &byte, 1) == 1, byte != UInt8(ascii: "\n") { bytes.append(byte) }
        guard !bytes.isEmpty, bytes.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw misuse("the password, 1 to 8 printable characters, is read from standard input")
        }
        return Secret(String(decoding: bytes, as: UTF8.self))
    }
}
