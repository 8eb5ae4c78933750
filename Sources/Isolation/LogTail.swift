import CLinux
import Glibc
import HostProtocol

/// The last words of a session's application, read as its user in a child: the home may hang, and what lies there is
/// the user's to choose.
enum LogTail {
    /// Bytes.
    static let length = 2048

    /// Forks; answers the child, and a pipe that gives the end of `app.log`, then ends.
    static func begin(_ order: ApplicationOrder) throws(HostFailure) -> (child: Int32, report: Int32) {
        try reportingChild {
            alarm(5)
            guard becomeUser(order.account, filtered: true) == nil,
                let file = try? SessionFolder.found(order.account, order.session).open("app.log", O_RDONLY)
            else { return }
            _ = writeAll(end(of: file), to: 3)
        }
    }

    private static func end(of fd: Int32) -> [UInt8] {
        var about = stat()
        guard fstat(fd, &about) == 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: length)
        let count = pread(fd, &bytes, length, max(0, about.st_size - length))
        return Array(bytes.prefix(max(0, count)))
    }

    /// `bytes` as text that does a terminal no harm, at most ``length`` bytes of it; nil when there is none.
    static func text(_ bytes: [UInt8]) -> String? {
        // The first character may have lost its beginning.
        let whole = bytes.drop { $0 & 0xC0 == 0x80 }
        let kept = String(decoding: whole, as: UTF8.self).unicodeScalars.filter {
            $0 == "\n" || $0 == "\t" || $0.properties.generalCategory != .control
        }
        var text = String(String.UnicodeScalarView(kept))
        while text.utf8.count > length { text.unicodeScalars.removeFirst() }
        return text.isEmpty ? nil : text
    }
}

extension Keeper {
    /// Seconds the last words are waited for.
    private static let patience = 1.0

    /// Reads the application's last words; `done` gets nil when there are none in time.
    func readLogTail(_ order: ApplicationOrder, then done: @escaping (String?) -> Void) {
        guard let (child, pipe) = try? LogTail.begin(order) else { return done(nil) }
        ChildReport(pipe, loop: loop, within: Self.patience) { said in
            if said == nil { kill(child, SIGKILL) }
            done(said.flatMap(LogTail.text))
        }
    }
}
