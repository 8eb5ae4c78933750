import CLinux
import Glibc
import HostProtocol
import SessionModel

/// The privileged half of a host's one synthetic process: it owns the displays' folders, hears agents and passes viewers
/// with the right key on to the painter, without reading what they send.
final class SyntheticHost {
    /// Seconds without a display after which it ends.
    private static let patience = 10.0

    let run: RunFolder
    /// As it was at the start: no synthetic display waits until it is out of date.
    let template: String
    let loop = Loop()
    private(set) var painter: PainterLink?
    private var displays: [DisplayNumber: SyntheticDisplay] = [:]
    private var idleSince = now()

    private init(run: RunFolder) {
        self.run = run
        template = run.template
    }

    /// Serves the listening socket that is descriptor 3.
    static func main(run: RunFolder) {
        clinux_ignore_signal(SIGPIPE)
        PainterConfinement.raiseLimit()
        _ = fcntl(3, F_SETFD, FD_CLOEXEC)
        do throws(HostFailure) {
            let (painter, link) = try PainterConfinement.begin(run)
            let host = SyntheticHost(run: run)
            host.serve(3, link)
            close(link)
            // An agent may wait for its turn, which ends with this process.
            kill(painter, SIGKILL)
            waitpid(painter, nil, 0)
        } catch {
            log("synthetic: \(error.cause)")
        }
    }

    private func serve(_ listener: Int32, _ link: Int32) {
        makeNonblocking(listener)
        painter = PainterLink(loop: loop, socket: link) { [self] number in
            displays[number]?.fallen()
        } ended: {
            // Agents tell of the displays' deaths, as they do when a keeper dies.
            log("synthetic: the painter has died")
            _exit(1)
        }
        loop.watch(listener) { [self] _ in takeDelivery(listener) }
        tick(0)
        loop.run()
    }

    /// A display has gone.
    func forget(_ display: SyntheticDisplay) {
        displays[display.number] = nil
        if displays.isEmpty { idleSince = now() }
    }

    private func tick(_ second: Int) {
        for display in displays.values { display.tick(second) }
        if displays.isEmpty, now() >= idleSince + Self.patience, leave() { return loop.stop() }
        loop.after(1) { [self] in tick(second + 1) }
    }

    /// Whether nobody needs it: an agent that hands a display over has its turn before or after, never meanwhile.
    private func leave() -> Bool {
        guard let turn = run.syntheticTurn(waits: false) else { return false }
        if takeDelivery(3) {
            close(turn)
            return false
        }
        // The turn ends with the process.
        unlink(run.syntheticSocket)
        return true
    }

    /// Takes a connection of an agent's that brings a display; false when there is none.
    @discardableResult
    private func takeDelivery(_ listener: Int32) -> Bool {
        let fd = accept(listener, nil, nil)
        guard fd >= 0 else { return false }
        _ = fcntl(fd, F_SETFD, FD_CLOEXEC)
        makeNonblocking(fd)
        idleSince = now()
        /// The display's lock, when it has come; its listening socket follows.
        var lock: Int32?
        loop.watch(fd) { [self] _ in
            var words = [UInt8](repeating: 0, count: 8)
            var given: Int32 = -1
            let count = clinux_receive_descriptor(fd, &words, words.count, &given)
            if count < 0 && (errno == EAGAIN || errno == EINTR) { return }
            if count > 0, given >= 0, lock == nil {
                lock = given
                return
            }
            loop.forget(fd)
            close(fd)
            let number = Int(String(decoding: words[..<max(0, count)], as: UTF8.self))
            guard let lock, given >= 0, let number = number.flatMap({ try? DisplayNumber($0) }),
                displays[number] == nil
            else {
                for one in [lock ?? -1, given] where one >= 0 { close(one) }
                return
            }
            displays[number] = SyntheticDisplay(number, on: self, lock: lock, listener: given)
        }
        return true
    }
}

extension RunFolder {
    /// Where the synthetic process takes displays.
    var syntheticSocket: String { path + "/synthetic.sock" }

    /// The turn to hand it a display, or to end it, for as long as the descriptor is open; nil with errno when it cannot be had.
    ///
    /// - Parameter waits: for 3 s; turns are short, but who has one may have been stopped, and all that an agent does
    ///   would wait with it.
    func syntheticTurn(waits: Bool) -> Int32? {
        let fd = open(path + "/locks/synthetic", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard fd >= 0 else { return nil }
        let deadline = now() + (waits ? 3 : 0)
        while flock(fd, LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            guard code == EWOULDBLOCK || code == EINTR, now() < deadline else {
                close(fd)
                errno = code
                return nil
            }
            usleep(1000)
        }
        return fd
    }
}
