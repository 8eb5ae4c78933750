import ControlProtocol
import SessionModel

/// Sessions whose start was granted when nobody heard the answer any more.
struct LostSessions {
    private let users: Set<UserName>
    private let known: Set<UInt64>

    /// Those of `users`, but for the sessions that are known.
    init(_ users: Set<UserName>, known: Set<UInt64>) {
        self.users = users
        self.known = known
    }

    /// Stops them by the control socket at `path`, as far as the controller answers.
    func stop(_ path: String) {
        guard !users.isEmpty else { return }
        let controller = ControllerLine(path, patience: 30)
        for user in users.sorted() {
            guard case .sessions(let lines)? = try? controller.ask(.sessions(user: user)) else { continue }
            for line in lines where line.user == user.text && !known.contains(line.session.value) {
                _ = try? controller.ask(.stop(session: line.session, delay: nil))
            }
        }
    }
}
