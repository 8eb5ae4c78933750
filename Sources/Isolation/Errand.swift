import Glibc
import HostProtocol

/// Work of the agent's in a child: what it touches may hang, and the agent must not.
enum Errand {
    /// Forks; `done` gets what `body` answered there, or `late` after so many seconds, when the child ends by itself.
    static func begin(
        _ loop: Loop, within seconds: UInt32, late: HostFailure, _ body: () throws(HostFailure) -> HostReply,
        done: @escaping (HostReply) -> Void
    ) {
        let pipe: Int32
        do throws(HostFailure) {
            pipe = try reportingChild {
                alarm(seconds)
                let reply: HostReply
                do throws(HostFailure) { reply = try body() } catch { reply = .failed(error) }
                _ = writeAll(encoded(reply), to: 3)
            }.report
        } catch {
            return done(.failed(error))
        }
        ChildReport(pipe, loop: loop, within: Double(seconds)) { said in
            guard let said else { return done(.failed(late)) }
            done(decoded(said) ?? .failed(HostFailure(.internalError, "the agent's child died")))
        }
    }
}
