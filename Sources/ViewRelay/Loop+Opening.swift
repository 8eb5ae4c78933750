import CLinux
import COpenSSL
import ControlProtocol
import Glibc
import RelayProtocol
import SessionModel

/// From the first byte to a view, or to a refusal.
extension Loop {
    /// Bytes in clear.
    func opened(_ link: Link, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        link.pointee.gathered.append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
        switch FirstBytes(link.pointee.gathered) {
        case .undecided: break
        case .unknown: end(link, EndCause.unknownBytes)
        case .tls: startTLS(link, tls, .tlsHandshake)
        case .http:
            guard let head = parsedHead(link) else { return }
            guard head.method == "CONNECT" else {
                refuse(link, answer: HTTPAnswer.redirect(head), EndCause.redirected)
                return
            }
            guard directTLS != nil else {
                refuse(link, "403 Forbidden", EndCause.noDirectPair)
                return
            }
            link.pointee.way = .direct
            asked(link, head)
        }
    }

    func startTLS(_ link: Link, _ context: TLSContext, _ stage: Connection.Stage) {
        guard let session = channel.session(context) else {
            end(link, EndCause.outOfMemory)
            return
        }
        link.pointee.tls = session
        link.pointee.stage = stage
        let gathered = link.pointee.gathered
        link.pointee.gathered = []
        gathered.withUnsafeBufferPointer { bytes in
            if let base = bytes.baseAddress { unseal(link, base, bytes.count) }
        }
    }

    /// The TLS handshake is done.
    func secured(_ link: Link) {
        switch link.pointee.stage {
        case .tlsHandshake:
            link.pointee.stage = .head
            link.pointee.deadline = monotonicSeconds() + Double(configuration.openingTimeout)
        case .greetedHandshake: awaitCredentials(link)
        default: beginView(link)
        }
    }

    /// Bytes of a head inside TLS.
    func headBytes(_ link: Link, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        link.pointee.gathered.append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
        guard FirstBytes(link.pointee.gathered) != .unknown else {
            end(link, EndCause.unknownBytes)
            return
        }
        guard let head = parsedHead(link) else { return }
        asked(link, head)
    }

    private func parsedHead(_ link: Link) -> HTTPHead? {
        do {
            return try HTTPHead.parse(link.pointee.gathered)
        } catch {
            switch error {
            case .oversized: refuse(link, "431 Request Header Fields Too Large", EndCause.oversizedHead)
            case .malformed: refuse(link, "400 Bad Request", EndCause.malformedHead)
            }
        }
        return nil
    }

    private func asked(_ link: Link, _ head: HTTPHead) {
        hasOpened(link)
        if let cause = link.pointee.turnedAway {
            refuse(link, "503 Service Unavailable", cause, words: HTTPAnswer.tooMany)
            return
        }
        switch ViewerRequest(head, origins: configuration.origins) {
        case .web: openWeb(link)
        case .refused(let why):
            refuse(link, why == .malformedUpgrade ? "400 Bad Request" : "403 Forbidden", why.rawValue)
        case .connect(let token):
            if link.pointee.way != .direct { link.pointee.way = .connect }
            link.pointee.gathered.removeFirst(head.length)
            resolve(link, token, "connect")
        case .webSocket(let token, let key, let subprotocol):
            link.pointee.way = .webSocket
            link.pointee.gathered.removeFirst(head.length)
            link.pointee.webSocketKey = key
            link.pointee.subprotocol = subprotocol
            resolve(link, token, "websocket")
        }
    }

    private func resolve(_ link: Link, _ token: Secret, _ way: String) {
        link.pointee.stage = .resolving
        if let routes {
            follow(link, routes, token)
            return
        }
        let patience = 10.0
        link.pointee.deadline = monotonicSeconds() + patience
        let order = ResolveOrder(
            token: token, address: link.pointee.peer.address.host, way: way,
            relay: controller.instance)
        controller.resolve(order, for: link.pointee.serial, on: mailbox, patience: patience)
    }

    /// The controller answered; the viewer may have left while it was asked.
    func resolved(_ serial: UInt64, _ reply: ControlReply) {
        guard let link = state.pointee.connections[serial], link.pointee.stage == .resolving else {
            if case .route(let route) = reply {
                controller.ended(
                    ViewEnd(
                        view: route.view, began: nil, seconds: 0, bytesToViewer: 0, bytesFromViewer: 0,
                        cause: EndCause.leftEarly))
            }
            return
        }
        switch reply {
        case .route(let route):
            bind(link, Destination(route), view: route.view)
        case .refused(let refusal):
            let cause = link.pointee.way == .native ? EndCause.entryRefused : EndCause.tokenRefused
            refuse(link, "403 Forbidden", cause, words: refusal.userMessage)
        default: refuse(link, "503 Service Unavailable", EndCause.controllerSilent)
        }
    }

    /// Bytes of the data link before the display's own.
    func linkBytes(_ link: Link, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        link.pointee.early.append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
        switch DataLinkAnswer(link.pointee.early) {
        case .undecided: break
        case .open(let length):
            link.pointee.early.removeFirst(length)
            answer(link)
        case .refused(let reason): refuse(link, "502 Bad Gateway", EndCause.dataLinkRefused, detail: reason)
        case .malformed: refuse(link, "502 Bad Gateway", EndCause.dataLinkFailed)
        }
    }

    /// The display is there: the viewer's request is granted.
    func answer(_ link: Link) {
        switch link.pointee.way {
        case .webSocket:
            sendArray(
                link,
                HTTPAnswer.upgraded(
                    accept: accept(link.pointee.webSocketKey), subprotocol: link.pointee.subprotocol))
            link.pointee.frames = WebSocketReader(acceptsText: link.pointee.subprotocol == .base64)
            beginView(link)
        case .direct:
            sendArray(link, HTTPAnswer.connected)
            if let directTLS { startTLS(link, directTLS, .directHandshake) }
        case .native: beginView(link)
        default:
            sendArray(link, HTTPAnswer.connected)
            hold(link)
        }
        enqueue(link)
    }

    /// RFC 6455 §4.2.2.
    private func accept(_ key: String) -> String {
        let text = Array((key + HTTPAnswer.webSocketGUID).utf8)
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        EVP_Digest(text, text.count, &digest, &length, EVP_sha1(), nil)
        return Base64.encode(Array(digest.prefix(Int(length))))
    }

    /// Viewer and display may talk: what either said already is given to the handshake.
    func beginView(_ link: Link) {
        if link.pointee.route?.kind == .tcp {
            beginRaw(link)
            return
        }
        link.pointee.stage = .rfbHandshake
        link.pointee.deadline = monotonicSeconds() + Double(configuration.handshakeTimeout)
        var password: Secret?
        if case .relay(let secret)? = link.pointee.route?.authentication { password = secret }
        let allowsNone = link.pointee.route?.allowsNone ?? false
        link.pointee.handshake =
            link.pointee.venCrypt == nil
            ? RFBHandshake(password: password, allowsNone: allowsNone)
            : RFBHandshake(admittedWith: password, allowsNone: allowsNone)
        let early = link.pointee.early
        var gathered = link.pointee.gathered
        (link.pointee.early, link.pointee.gathered) = ([], [])
        handshakeStep(link, array: early, fromViewer: false)
        gathered.withUnsafeMutableBufferPointer { bytes in
            if let base = bytes.baseAddress, link.pointee.stage == .rfbHandshake || link.pointee.stage == .view {
                viewerBytes(link, base, bytes.count)
            }
        }
    }

    func handshakeStep(_ link: Link, data: UnsafeMutableRawBufferPointer, fromViewer: Bool) {
        handshakeStep(link, array: Array(data), fromViewer: fromViewer)
    }

    private func handshakeStep(_ link: Link, array: [UInt8], fromViewer: Bool) {
        do {
            guard
                let output = try fromViewer
                    ? link.pointee.handshake?.viewerSent(array) : link.pointee.handshake?.displaySent(array)
            else { return }
            sendPayload(link, array: output.toViewer)
            sendDisplay(link, output.toDisplay, output.toDisplay.count)
        } catch {
            if link.pointee.handshake?.owesResult == true {
                refuse(link, "502 Bad Gateway", error.rawValue)
            } else {
                end(link, error.rawValue, closeCode: 1002)
            }
            return
        }
        guard link.pointee.handshake?.progress == .done, var rest = link.pointee.handshake?.leftover() else { return }
        link.pointee.handshake = nil
        link.pointee.venCrypt = nil
        link.pointee.messages = ClientMessages(mode: link.pointee.route?.mode ?? .watch)
        link.pointee.route = nil
        link.pointee.stage = .view
        viewBegan(link)
        sendPayload(link, array: rest.fromDisplay)
        rest.fromViewer.withUnsafeMutableBytes { bytes in
            if bytes.count > 0 { viewerMessages(link, bytes) }
        }
    }

    /// The viewer's RFB session is up: from here on it watches.
    func viewBegan(_ link: Link) {
        let now = monotonicSeconds()
        link.pointee.began = now
        link.pointee.proof.heard(at: now)
        if let view = link.pointee.viewID { controller.opened(ViewOpening(view: view, began: now)) }
        log(link, "view started", [])
    }

    private func openWeb(_ link: Link) {
        link.pointee.way = .web
        guard let path = configuration.webSocket else {
            refuse(link, "404 Not Found", EndCause.webUnreachable)
            return
        }
        guard connectUnix(link, path), let target = PeerAddress.own(of: link.pointee.viewer)
        else {
            refuse(link, "503 Service Unavailable", EndCause.webUnreachable)
            return
        }
        link.pointee.stage = .web
        let bytes = PeerAddress.proxyLine(from: link.pointee.peer.address, to: target) + link.pointee.gathered
        link.pointee.gathered = []
        sendDisplay(link, bytes, bytes.count)
        enqueue(link)
    }
}
