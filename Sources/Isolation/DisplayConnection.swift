import Glibc
import SessionModel

/// A keeper's own connection to its display: open from the display's first answer until an application runs on it.
final class DisplayConnection {
    private let loop: Loop
    private let socket: Int32
    private var check: DisplayCheck
    private var isOpen = true
    private var timer: UInt64?
    /// Whoever waits for a look: called once with nil, or with why the display is of no use.
    private var answer: ((String?) -> Void)?
    /// Why the display is of no use, as soon as it shows.
    private(set) var fault: String?

    /// Looks at the display behind `socket` for the first time, within `seconds`, and no further than needed where it
    /// `waits` for a session; the socket is closed by ``close()``.
    init(
        loop: Loop, socket: Int32, password: Secret, waits: Bool, within seconds: Double,
        answer: @escaping (String?) -> Void
    ) {
        self.loop = loop
        self.socket = socket
        check = DisplayCheck(password: password, waits: waits)
        expect(within: seconds, answer)
        loop.watch(socket) { [weak self] _ in self?.ready() }
    }

    /// Looks again, with `size` set, within `seconds`.
    func look(size: Geometry, within seconds: Double, answer: @escaping (String?) -> Void) {
        guard fault == nil else { return answer(fault) }
        expect(within: seconds, answer)
        perform(check.look(size: size))
    }

    /// Closes the connection; whoever waits is not called.
    func close() {
        answer = nil
        loop.cancel(timer)
        guard isOpen else { return }
        isOpen = false
        loop.forget(socket)
        Glibc.close(socket)
    }

    private func expect(within seconds: Double, _ answer: @escaping (String?) -> Void) {
        self.answer = answer
        timer = loop.after(max(0, seconds)) { [weak self] in
            guard let self else { return }
            self.settle("\(self.check.missing) in time")
        }
    }

    private func ready() {
        var part = [UInt8](repeating: 0, count: 16384)
        let count = read(socket, &part, part.count)
        if count < 0 && (errno == EAGAIN || errno == EINTR) { return }
        guard count > 0 else { return settle("it hung up") }
        perform(check.received(part[..<count]))
    }

    private func perform(_ actions: [DisplayCheck.Action]) {
        for action in actions where isOpen {
            switch action {
            case .send(let bytes):
                // A few bytes at a time: a display that reads none of them any more has long missed its deadline.
                if write(socket, bytes, bytes.count) != bytes.count { settle("it does not read") }
            case .passed: settle(nil)
            case .failed(let cause): settle(cause)
            }
        }
    }

    private func settle(_ fault: String?) {
        let waiting = answer
        self.fault = fault
        if fault == nil {
            answer = nil
            loop.cancel(timer)
        } else {
            close()
        }
        waiting?(fault)
    }
}
