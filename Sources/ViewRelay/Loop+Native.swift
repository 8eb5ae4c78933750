import ControlProtocol
import Glibc
import RelayProtocol
import SessionModel

/// Native viewers that come with nothing but themselves: they wait for the first word.
extension Loop {
    /// Seconds for an answer about a name and a password: a directory is asked, and who guesses waits.
    static let entryPatience = 30.0

    /// A new connection is greeted at once, or once it was silent for long enough.
    func expectNative(_ link: Link, _ now: Double) {
        if link.pointee.greetsInRFB {
            greet(link)
        } else {
            link.pointee.deadline = max(link.pointee.deadline, now + configuration.greetingDelay + 1)
            state.pointee.greetings.add(link.pointee.serial, at: now)
        }
    }

    /// Whether `link` has not said a byte.
    func awaitsGreeting(_ link: Link) -> Bool {
        link.pointee.stage == .opening && link.pointee.gathered.isEmpty
    }

    func greet(_ link: Link) {
        link.pointee.way = .native
        link.pointee.stage = .greeted
        link.pointee.venCrypt = VeNCryptOpening(turnedAway: link.pointee.turnedAway.map { _ in HTTPAnswer.tooMany })
        link.pointee.deadline = monotonicSeconds() + Double(configuration.openingTimeout)
        sendArray(link, VeNCryptOpening.greeting)
        enqueue(link)
    }

    /// Bytes in clear of a viewer that was greeted.
    func greetedBytes(_ link: Link, _ bytes: UnsafeBufferPointer<UInt8>) {
        switch link.pointee.venCrypt?.viewerSent(bytes) {
        case .reply(let reply): sendArray(link, reply)
        case .secure(let reply, let early):
            sendArray(link, reply)
            link.pointee.gathered = early
            link.pointee.deadline = monotonicSeconds() + Double(configuration.tlsTimeout)
            startTLS(link, tls, .greetedHandshake)
        case .refused(let reply, let fault):
            refuse(link, answer: reply, link.pointee.turnedAway ?? fault.rawValue)
        case .enter, nil: end(link, EndCause.unknownBytes)
        }
    }

    /// TLS is up: a person types a name and a password.
    func awaitCredentials(_ link: Link) {
        hasOpened(link)
        link.pointee.stage = .credentials
        link.pointee.deadline = monotonicSeconds() + Double(configuration.handshakeTimeout)
    }

    /// Bytes inside TLS of a viewer that was greeted.
    func credentialBytes(_ link: Link, _ bytes: UnsafeBufferPointer<UInt8>) {
        switch link.pointee.venCrypt?.viewerSent(bytes) {
        case .reply(let reply): sendArray(link, reply)
        case .enter(let name, let password, let early):
            link.pointee.gathered = early
            enter(link, name, password)
        case .refused(let reply, let fault): refuse(link, answer: reply, fault.rawValue)
        case .secure, nil: end(link, EndCause.unknownBytes)
        }
    }

    private func enter(_ link: Link, _ name: String, _ password: Secret) {
        let isPlain = name.utf8.count <= 64 && name.utf8.allSatisfy { (33...126).contains($0) }
        log(link, "asks to enter", isPlain ? [("name", name)] : [])
        if let cause = link.pointee.turnedAway {
            refuse(link, "503 Service Unavailable", cause, words: HTTPAnswer.tooMany)
            return
        }
        link.pointee.stage = .resolving
        if let routes {
            // Without a controller nobody knows a password: a token is one.
            follow(link, routes, password)
            return
        }
        link.pointee.deadline = monotonicSeconds() + Loop.entryPatience
        let order = EnterOrder(
            name: name, password: password, address: link.pointee.peer.address.host,
            relay: controller.instance)
        controller.enter(order, for: link.pointee.serial, on: mailbox, patience: Loop.entryPatience)
    }
}
