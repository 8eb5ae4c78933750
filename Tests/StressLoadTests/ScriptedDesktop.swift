import Foundation
import TestServers

/// Displays that are only played, behind one Unix socket: no password, a small desktop, and a block that answers keys.
final class ScriptedDesktop: Sendable {
    private let door: UnixDoor

    /// Listens at `path`; `isDeaf`: keys change nothing.
    init(path: String, isDeaf: Bool = false) throws {
        door = try UnixDoor(path: path) { Self.serve($0, isDeaf) }
    }

    func stop() { door.stop() }

    private static func serve(_ peer: Int32, _ isDeaf: Bool) {
        let greeting = Wire16.greeting(64, 48)
        for (words, answer) in zip(greeting, [12, 1, 1]) {
            guard say(peer, words), hear(peer, answer) != nil else { return }
        }
        guard say(peer, greeting[3]) else { return }
        var isAsked = false
        var keys: UInt8 = 0
        var shown: UInt8 = 0
        while let kind = hear(peer, 1)?.first {
            switch kind {
            case 0: guard hear(peer, 19) != nil else { return }
            case 2:
                guard let head = hear(peer, 3), hear(peer, (Int(head[1]) << 8 | Int(head[2])) * 4) != nil else {
                    return
                }
            case 3:
                guard let request = hear(peer, 9) else { return }
                isAsked = true
                if request[0] == 0 {
                    isAsked = false
                    let ground = Wire16.number32(0) + [1, 2, 3, 0]
                    guard say(peer, Wire16.update([Wire16.rectangle(0, 0, 64, 48, 2, ground)])) else { return }
                }
            case 4:
                guard let key = hear(peer, 7) else { return }
                if key[0] == 1, !isDeaf { keys &+= 1 }
            case 5: guard hear(peer, 5) != nil else { return }
            default: return
            }
            if isAsked, shown != keys {
                (shown, isAsked) = (keys, false)
                guard say(peer, Wire16.update([Wire16.raw(0, 0, 8, 8, colour: keys)])) else { return }
            }
        }
    }

    private static func say(_ peer: Int32, _ bytes: [UInt8]) -> Bool {
        send(peer, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    private static func hear(_ peer: Int32, _ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        guard count == 0 || recv(peer, &bytes, count, Int32(MSG_WAITALL)) == count else { return nil }
        return bytes
    }
}
