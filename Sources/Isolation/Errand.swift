import Glibc
import HostProtocol

/// Work of the agent's in a child: what it touches may hang, and the agent must not.
enum Errand {
    /// Forks; `done` gets what `body` answered there, or `late` after so many seconds, when the child ends by itself.
    static func begin(
        _ loop: Loop, within seconds: UInt32, late: HostFailure, _ body: () throws(HostFailure) -> HostReply,
        done: @escaping (HostReply) -> Void
    ) {
        let report: Int32
        do throws(HostFailure) {
            report = try reportingChild {
                alarm(seconds)
                let reply: HostReply
                do throws(HostFailure) { reply = try body() } catch { reply = .failed(error) }
                _ = writeAll(encoded(reply), to: 3)
            }.report
        } catch {
            return done(.failed(error))
        }
        var said: [UInt8] = []
        func finish(_ reply: HostReply) {
            loop.forget(report)
            close(report)
            done(reply)
        }
        let timer = loop.after(Double(seconds)) { finish(.failed(late)) }
        loop.watch(report) { _ in
            var part = [UInt8](repeating: 0, count: 4096)
            let count = read(report, &part, part.count)
            if count > 0 { said += part[..<count] }
            guard count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR) else { return }
            loop.cancel(timer)
            finish(decoded(said) ?? .failed(HostFailure(.internalError, "the agent's child died")))
        }
    }
}
