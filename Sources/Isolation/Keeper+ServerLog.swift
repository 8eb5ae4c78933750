import Glibc
import HostProtocol

/// What a display's Xvnc and its container write: the latest of it, in a file that never gets long. The run folder is memory
/// of the whole host's, and applications can make Xvnc write.
final class ServerLog {
    /// Bytes of the file.
    static let longest = 64 << 10
    /// The end, as many bytes as are told when Xvnc fails; it stays in the file when the rest makes room.
    private(set) var last: [UInt8] = []
    private let source: Int32
    private let loop: Loop
    private let file: Int32
    private var written = 0

    /// Begins the file at `path` with what comes from `source`, the non-blocking end of a pipe.
    init(_ path: String, from source: Int32, loop: Loop) throws(HostFailure) {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure("open \(path)") }
        self.source = source
        self.loop = loop
        self.file = file
        loop.watch(source) { [self] _ in
            take()
            // Who writes without end waits, and takes nothing of the host's time.
            loop.wait(source, for: 0)
            loop.after(0.01) { loop.wait(source, for: POLLIN) }
        }
    }

    /// Takes what is there, no more of it than a pipe holds.
    func take() {
        var part = [UInt8](repeating: 0, count: 4096)
        for _ in 0..<16 {
            let count = read(source, &part, part.count)
            if count == 0 { loop.forget(source) }
            guard count > 0 else { return }
            append(part[..<count])
        }
    }

    private func append(_ bytes: ArraySlice<UInt8>) {
        last = Array((last + bytes).suffix(LogTail.length))
        var new = Array(bytes)
        if written + new.count > Self.longest {
            ftruncate(file, 0)
            written = 0
            new = last
        }
        _ = writeAll(new, to: file)
        written += new.count
    }
}

extension Keeper {
    /// The display server's last words.
    func serverLogTail() -> String {
        guard let serverLog else { return "" }
        serverLog.take()
        let lines = LogTail.text(serverLog.last)?.split(separator: "\n").suffix(4) ?? []
        return lines.joined(separator: " | ")
    }
}
