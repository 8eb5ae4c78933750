import Synchronization

/// The views whose ends relays have told and that are being written: what is told is not overtaken by what was proven before.
final class ToldViews: Sendable {
    private let views = Mutex<Set<UInt64>>([])

    func begin(_ view: UInt64) { views.withLock { _ = $0.insert(view) } }

    func finished(_ view: UInt64) { views.withLock { _ = $0.remove(view) } }

    func contains(anyOf some: [UInt64]) -> Bool { views.withLock { !$0.isDisjoint(with: some) } }
}
