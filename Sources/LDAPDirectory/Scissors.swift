import CLDAP
import Dispatch
import Glibc
import Synchronization

/// Cuts a connection whose call takes too long, since libldap's own timeouts leave a server that says nothing during
/// an ldaps handshake, or half a TLS record, all the time it wants.
///
/// Unchecked: ``callbacks`` is written once, before libldap knows it; everything else is behind ``state``.
final class Scissors: @unchecked Sendable {
    private struct State {
        /// A duplicate of the connection's socket, ours to close; -1 until it is connected.
        var descriptor: Int32 = -1
        /// The call that is being limited; counts up.
        var call = 0
        var isLimited = false
        /// The time of the call was over before there was a socket.
        var isLate = false
    }

    private let state = Mutex(State())
    private let callbacks: UnsafeMutablePointer<ldap_conncb>

    /// Watches `handle`, which must be unbound before this is let go.
    init(_ handle: OpaquePointer) {
        callbacks = .allocate(capacity: 1)
        callbacks.initialize(
            to: ldap_conncb(
                lc_add: { _, socket, _, _, context in
                    var descriptor: Int32 = -1
                    ber_sockbuf_ctrl(socket, LBER_SB_OPT_GET_FD, &descriptor)
                    guard let scissors = context?.pointee.lc_arg else { return 0 }
                    return Unmanaged<Scissors>.fromOpaque(scissors).takeUnretainedValue().connected(descriptor)
                },
                lc_del: { _, _, _ in }, lc_arg: nil))
        callbacks.pointee.lc_arg = Unmanaged.passUnretained(self).toOpaque()
        ldap_set_option(handle, LDAP_OPT_CONNECT_CB, callbacks)
    }

    deinit {
        callbacks.deallocate()
        state.withLock { if $0.descriptor >= 0 { close($0.descriptor) } }
    }

    /// Runs `call`, and cuts the connection when that takes longer than `time`.
    func limit<Value>(_ time: Duration, _ call: () -> Value) -> Value {
        let number = state.withLock {
            $0.call += 1
            $0.isLimited = true
            $0.isLate = false
            return $0.call
        }
        let (seconds, attoseconds) = time.components
        let nanoseconds = Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
        let cut = DispatchWorkItem { [weak self] in self?.cut(number) }
        DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(nanoseconds), execute: cut)
        defer {
            cut.cancel()
            state.withLock { $0.isLimited = false }
        }
        return call()
    }

    private func cut(_ number: Int) {
        state.withLock {
            guard $0.isLimited, $0.call == number else { return }
            $0.isLate = true
            if $0.descriptor >= 0 { shutdown($0.descriptor, Int32(SHUT_RDWR)) }
        }
    }

    /// libldap has a socket. It gives up when this is not 0.
    private func connected(_ descriptor: Int32) -> Int32 {
        state.withLock {
            if $0.isLate { return -1 }
            if $0.descriptor >= 0 { close($0.descriptor) }
            $0.descriptor = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
            return $0.descriptor < 0 ? -1 : 0
        }
    }
}
