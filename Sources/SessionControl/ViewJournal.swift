import FoundationEssentials
import Glibc
import SessionModel
import SystemPackage

/// What relays told of views while the database was away: a line each in a file, written before it is answered for, so
/// that this process may die too.
actor ViewJournal {
    private let path: String
    /// Whether lines wait; while they do, news go behind them.
    private(set) var isOpen: Bool
    /// Those that wait: the file may begin with others, which are in the tables.
    private var lines: [String]
    /// Whether the last line of the file is cut short, by a crash or a full disk: the next one begins on a line of its own.
    private var isTorn: Bool

    /// The journal at `path`, with what an earlier controller left in it.
    init(path: String) {
        self.path = path
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        lines = text.split(separator: "\n").map(String.init)
        isTorn = !text.isEmpty && !text.hasSuffix("\n")
        isOpen = !lines.isEmpty
    }

    /// Keeps `entries`; throws when the disk does not take them.
    func keep(_ entries: [ViewBacklog.Entry]) throws {
        guard !entries.isEmpty else { return }
        let new = try entries.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) }
        let file = try FileDescriptor.open(
            FilePath(path), .writeOnly, options: [.create, .append], permissions: .ownerReadWrite)
        try file.closeAfter {
            let text = (isTorn ? "\n" : "") + new.map { $0 + "\n" }.joined()
            isTorn = true
            try file.writeAll(text.utf8)
            isTorn = false
            // Behind a power cut too (fdatasync(2)).
            guard fdatasync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
        }
        lines += new
        isOpen = true
    }

    /// What waits: one word a view. Writing it twice changes nothing.
    var waiting: (words: [ViewBacklog.Entry], lines: Int) {
        var backlog = ViewBacklog()
        for line in lines {
            // A line that a crash cut short is the last that its controller wrote, and was answered for to nobody.
            guard let entry = try? JSONDecoder().decode(ViewBacklog.Entry.self, from: Data(line.utf8)) else { continue }
            backlog.add(entry)
        }
        return (backlog.words, lines.count)
    }

    /// The first `count` of the lines that wait are in the tables. The file goes with the last one; until then it keeps all,
    /// and the next life of this process writes them again.
    func written(_ count: Int) throws {
        guard lines.count == count else { return lines.removeFirst(count) }
        guard unlink(path) == 0 || errno == ENOENT else { throw Errno(rawValue: errno) }
        lines = []
        isTorn = false
        isOpen = false
    }
}
