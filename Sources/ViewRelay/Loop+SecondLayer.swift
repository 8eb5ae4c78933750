import Glibc

/// The Java viewer on port 443 closes its TLS layer after the answer to its CONNECT and begins another one on the same
/// socket (JSSE's `autoClose` off): what the display says first belongs into that one.
extension Loop {
    /// A CONNECT inside TLS is granted: the display's greeting waits for what the viewer does next.
    func hold(_ link: Link) {
        guard configuration.secondLayerDelay > 0, link.pointee.gathered.isEmpty, link.pointee.route?.kind == .rfb else {
            beginView(link)
            return
        }
        let now = monotonicSeconds()
        link.pointee.stage = .holding
        link.pointee.deadline = now + configuration.secondLayerDelay + Double(configuration.openingTimeout)
        state.pointee.secondLayers.add(link.pointee.serial, at: now)
    }

    /// Whether what comes next is a ClientHello in clear, though the first layer was not closed: a handshake record
    /// (RFC 8446 §5.1) where only application data, alerts and, up to TLS 1.2, no renegotiation may come.
    func beginsSecondLayer(_ session: TLSSession) -> Bool {
        guard scratch.pointee.inputLeft > 0, scratch.pointee.input?.pointee == 22 else { return false }
        return session.isBetweenRecords
    }

    /// Frees the first layer; what it left of the last read is the second one's.
    func startSecondLayer(_ link: Link) {
        link.pointee.gathered = Array(
            UnsafeBufferPointer(start: scratch.pointee.input, count: scratch.pointee.inputLeft))
        scratch.pointee.inputLeft = 0
        link.pointee.tls?.free()
        link.pointee.tls = nil
        link.pointee.deadline = monotonicSeconds() + Double(configuration.tlsTimeout)
        startTLS(link, tls, .directHandshake)
    }
}
