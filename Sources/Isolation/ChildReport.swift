import Glibc

/// What a child tells over a pipe, waited for until the pipe's other end is closed or the time is over. The loop
/// keeps it until then.
final class ChildReport {
    private let loop: Loop
    private let pipe: Int32
    private var timer: UInt64?
    private var done: ((_ whole: [UInt8]?) -> Void)?
    /// The report, as far as it has come.
    private(set) var bytes: [UInt8] = []

    /// Reads `pipe`, which is non-blocking, and closes it. Calls `done` once, unless ``end()`` comes first: with the
    /// report, or with nil after `seconds`.
    @discardableResult
    init(_ pipe: Int32, loop: Loop, within seconds: Double, done: @escaping (_ whole: [UInt8]?) -> Void) {
        self.loop = loop
        self.pipe = pipe
        self.done = done
        timer = loop.after(seconds) { self.finish(nil) }
        loop.watch(pipe) { _ in self.read() }
    }

    /// Waits no longer; nothing, when it is over.
    func end() {
        guard done != nil else { return }
        done = nil
        loop.cancel(timer)
        loop.forget(pipe)
        close(pipe)
    }

    private func read() {
        var part = [UInt8](repeating: 0, count: 65_536)
        let count = Glibc.read(pipe, &part, part.count)
        if count > 0 {
            bytes += part[..<count]
        } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
            finish(bytes)
        }
    }

    private func finish(_ whole: [UInt8]?) {
        let done = done
        end()
        done?(whole)
    }
}
