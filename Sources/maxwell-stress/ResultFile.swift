import Glibc
import SessionModel

/// Files that results are kept in.
enum ResultFile {
    /// Sees that `file` can be written, and leaves what is in it.
    static func make(_ file: String) throws(Refusal) {
        guard let stream = fopen(file, "a"), fclose(stream) == 0 else { throw refusal(file) }
    }

    /// Writes `text` to `file` in place of what it has.
    static func write(_ text: String, to file: String) throws(Refusal) {
        let stream = fopen(file, "w")
        let isWritten = stream.map { fputs(text, $0) >= 0 } ?? false
        guard isWritten, stream.map({ fclose($0) }) == 0 else { throw refusal(file) }
    }

    /// The text of `file`.
    static func read(_ file: String) throws(Refusal) -> String {
        guard let stream = fopen(file, "r") else {
            throw Refusal("\(file) cannot be read.", .noInput, cause: String(cString: strerror(errno)))
        }
        defer { fclose(stream) }
        var text: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = fread(&room, 1, room.count, stream)
            if count == 0 { break }
            text += room.prefix(count)
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func refusal(_ file: String) -> Refusal {
        Refusal("The result cannot be written to \(file).", .cannotCreate, cause: String(cString: strerror(errno)))
    }
}
