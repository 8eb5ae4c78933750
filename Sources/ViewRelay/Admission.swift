import Synchronization

/// Who may come in: so many connections at a time, in all and from one source. The loops share it.
final class Admission: Sendable {
    enum Answer: Equatable {
        case welcome
        /// It may say what it wants, and is told why it does not get it.
        case turnedAway(String)
        /// It is closed at once: too many are being turned away.
        case closed(String)
    }

    private struct State {
        var welcome = 0
        var turnedAway = 0
        var bySource: [Source: Int] = [:]
    }

    /// So many are told why they are refused, at a time.
    static let turningAway = 64
    /// Descriptors kept for everything else.
    static let reserve = 128

    private let most: Int
    private let mostPerSource: Int
    private let state = Mutex(State())

    /// `most` and `mostPerSource` as the settings have them (0: no limit); a connection takes two of `descriptors`.
    init(most: Int, mostPerSource: Int, descriptors: Int) {
        let possible = max(1, (descriptors - Admission.turningAway - Admission.reserve) / 2)
        self.most = most == 0 ? possible : min(most, possible)
        self.mostPerSource = mostPerSource == 0 ? Int.max : mostPerSource
    }

    /// How many are in, those that are turned away included.
    var count: Int { state.withLock { $0.welcome + $0.turnedAway } }

    /// One more comes from `source`; it is given back with ``leave(_:turnedAway:)`` unless it is closed.
    func admit(_ source: Source) -> Answer {
        state.withLock { state in
            let cause: String
            if state.bySource[source, default: 0] >= mostPerSource {
                cause = EndCause.tooManyFromSource
            } else if state.welcome >= most {
                cause = EndCause.tooMany
            } else {
                state.welcome += 1
                state.bySource[source, default: 0] += 1
                return .welcome
            }
            guard state.turnedAway < Admission.turningAway else { return .closed(cause) }
            state.turnedAway += 1
            return .turnedAway(cause)
        }
    }

    /// One that came from `source` has ended.
    func leave(_ source: Source, turnedAway: Bool) {
        state.withLock { state in
            if turnedAway {
                state.turnedAway -= 1
                return
            }
            state.welcome -= 1
            let left = state.bySource[source, default: 1] - 1
            state.bySource[source] = left == 0 ? nil : left
        }
    }
}
