import SessionModel
import Synchronization

/// The views that relays have told something of which is being written: what is told is not overtaken by what was proven before.
final class ToldViews: Sendable {
    /// How many words about each are on their way: a view's opening and its end may be at a time.
    private let words = Mutex<[UInt64: Int]>([:])

    func begin(_ entries: [ViewBacklog.Entry]) {
        words.withLock { words in for entry in entries { words[entry.view, default: 0] += 1 } }
    }

    func finished(_ entries: [ViewBacklog.Entry]) {
        words.withLock { words in
            for entry in entries {
                let count = words[entry.view, default: 1]
                words[entry.view] = count > 1 ? count - 1 : nil
            }
        }
    }

    func contains(anyOf views: [UInt64]) -> Bool { words.withLock { words in views.contains { words[$0] != nil } } }
}
