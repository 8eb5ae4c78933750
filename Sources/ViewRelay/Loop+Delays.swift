import Glibc

/// What happens when nothing happens for a while, finer than a tick.
extension Loop {
    /// When the next delay is over; nil: none runs.
    func nextDelay() -> Double? {
        let greeting = state.pointee.greetings.next { state.pointee.connections[$0].map(awaitsGreeting) ?? false }
        let layer = state.pointee.secondLayers.next { state.pointee.connections[$0]?.pointee.stage == .holding }
        guard let greeting, let layer else { return greeting ?? layer }
        return min(greeting, layer)
    }

    /// Serves every delay that is over at `now`.
    func lookAtDelays(_ now: Double) {
        while let serial = state.pointee.greetings.take(at: now) {
            guard let link = state.pointee.connections[serial], awaitsGreeting(link) else { continue }
            // A loop that is behind has not read everything: who spoke is silent no longer.
            guard recv(link.pointee.viewer, cipher, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) < 0, errno == EAGAIN else {
                continue
            }
            greet(link)
        }
        while let serial = state.pointee.secondLayers.take(at: now) {
            guard let link = state.pointee.connections[serial], link.pointee.stage == .holding else { continue }
            beginView(link)
            enqueue(link)
        }
    }
}
