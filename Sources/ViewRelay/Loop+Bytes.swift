import Glibc
import RelayProtocol

/// The byte path: each direction reads only while the other side can take it.
extension Loop {
    /// One turn of a connection, up to the budget.
    func turn(_ link: Link) {
        if link.pointee.stage == .connecting { connectGoesOn(link) }
        var left = Loop.budget
        while left > 0 {
            flushTails(link)
            var moved = 0
            if link.pointee.viewerReadable, wantsViewer(link) { moved += readViewer(link) }
            if link.pointee.stage != .ended, link.pointee.displayReadable, wantsDisplay(link) {
                moved += readDisplay(link)
            }
            if link.pointee.stage == .ended { return }
            if link.pointee.isBroken {
                end(link, link.pointee.cause == EndCause.viewerLeft ? EndCause.viewerBroke : link.pointee.cause)
                return
            }
            if link.pointee.stage == .draining, link.pointee.viewerTail.isEmpty {
                part(link, link.pointee.cause, closeCode: link.pointee.closeCode)
                return
            }
            if link.pointee.isRaw { passEnds(link) }
            if moved == 0 || link.pointee.stage == .ended { return }
            left -= moved
        }
        enqueue(link)
    }

    private func flushTails(_ link: Link) {
        if !link.pointee.viewerTail.isEmpty, link.pointee.viewerWritable {
            var blocked = false
            if !link.pointee.viewerTail.flush(to: link.pointee.viewer, blocked: &blocked) {
                link.pointee.isBroken = true
            }
            if blocked { link.pointee.viewerWritable = false }
        }
        if !link.pointee.displayTail.isEmpty, link.pointee.displayWritable {
            var blocked = false
            if !link.pointee.displayTail.flush(to: link.pointee.display, blocked: &blocked) {
                // What the display still had to say is read before its end shows.
                link.pointee.displayTail.free()
                if link.pointee.displayHalf != .open { link.pointee.isBroken = true }
            }
            if blocked { link.pointee.displayWritable = false }
        }
    }

    private func wantsViewer(_ link: Link) -> Bool {
        switch link.pointee.stage {
        case .opening, .greeted, .tlsHandshake, .head, .greetedHandshake, .credentials, .directHandshake, .holding,
            .parting, .lingering:
            true
        case .rfbHandshake, .view, .web:
            link.pointee.displayTail.isEmpty && link.pointee.viewerTail.count < 2 * Loop.downRoom
        case .resolving, .connecting, .linking, .draining, .ended: false
        }
    }

    private func wantsDisplay(_ link: Link) -> Bool {
        switch link.pointee.stage {
        case .linking, .rfbHandshake, .web: link.pointee.viewerTail.isEmpty
        case .view:
            // Nobody hears it after a WebSocket's close.
            link.pointee.viewerTail.isEmpty && (link.pointee.viewerHalf == .open || link.pointee.frames == nil)
        default: false
        }
    }

    /// Reads from the viewer once; returns how many bytes came.
    private func readViewer(_ link: Link) -> Int {
        let count = recv(link.pointee.viewer, cipher, Loop.upRoom, 0)
        guard count > 0 else {
            if count < 0, errno == EINTR { return 1 }
            link.pointee.viewerReadable = false
            if count < 0, errno == EAGAIN { return 0 }
            if count == 0 { link.pointee.proof.heard(at: monotonicSeconds()) }
            viewerEnded(link, broke: count < 0)
            return 0
        }
        // After a short read nothing is left, unless the end came with it (measured).
        if count < Loop.upRoom, !link.pointee.viewerGone { link.pointee.viewerReadable = false }
        link.pointee.proof.heard(at: monotonicSeconds())
        switch link.pointee.stage {
        case .parting, .lingering: break
        case .opening: opened(link, cipher, count)
        case .greeted: greetedBytes(link, UnsafeBufferPointer(start: cipher, count: count))
        default: unseal(link, cipher, count)
        }
        return count
    }

    /// Ciphertext of a connection inside TLS: all of it is used up, a partial record waits in its session.
    func unseal(_ link: Link, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        guard let session = link.pointee.tls else { return }
        scratch.pointee.input = bytes
        scratch.pointee.inputLeft = count
        // What the engine has to say leaves together with what it is told to say next: a ticket with the answer to the
        // request that came with the handshake's end. Not so for native viewers: TigerVNC's (1.12, GnuTLS) does not look
        // for data behind a ticket, and would wait for ever.
        defer {
            let waits = link.pointee.stage.awaitsAnswer && link.pointee.way != .native
            waits ? holdCipher(link) : flushCipher(link)
        }
        switch link.pointee.stage {
        case .tlsHandshake, .greetedHandshake, .directHandshake:
            switch session.handshake() {
            case .wantMore: return
            case .failed:
                end(link, EndCause.tlsFailed)
                return
            case .done: secured(link)
            }
        default: break
        }
        while link.pointee.stage != .ended, link.pointee.stage != .lingering {
            if link.pointee.stage == .holding, beginsSecondLayer(session) {
                startSecondLayer(link)
                return
            }
            switch session.open(into: plain, room: Loop.plainRoom) {
            case .bytes(let count): receivedPlain(link, plain, count)
            case .wantMore: return
            case .closed where link.pointee.stage == .holding:
                // JSSE waits for the answer before it goes on with the socket.
                session.closeNotify()
                startSecondLayer(link)
                return
            case .closed:
                viewerEnded(link, broke: false)
                return
            case .failed:
                end(link, link.pointee.viewID == nil ? EndCause.tlsFailed : EndCause.viewerBroke)
                return
            }
        }
    }

    private func receivedPlain(_ link: Link, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int) {
        switch link.pointee.stage {
        case .head: headBytes(link, bytes, count)
        case .credentials: credentialBytes(link, UnsafeBufferPointer(start: bytes, count: count))
        case .holding:
            link.pointee.gathered.append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
            beginView(link)
        case .resolving, .connecting, .linking:
            link.pointee.gathered.append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
        case .rfbHandshake, .view: viewerBytes(link, bytes, count)
        case .web: sendDisplay(link, bytes, count)
        default: break
        }
    }

    /// What the viewer of a view said, framed or not.
    func viewerBytes(_ link: Link, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int) {
        link.pointee.bytesFromViewer += UInt64(count)
        let buffer = UnsafeMutableRawBufferPointer(start: bytes, count: count)
        guard link.pointee.frames != nil else {
            viewerData(link, buffer)
            return
        }
        var position = 0
        while link.pointee.stage == .rfbHandshake || link.pointee.stage == .view {
            guard let event = link.pointee.frames?.next(buffer, at: &position) else { return }
            switch event {
            case .needMore: return
            case .data(let range, _):
                let data = UnsafeMutableRawBufferPointer(rebasing: buffer[range])
                if link.pointee.subprotocol == .base64 {
                    guard let decoded = link.pointee.base64.decode(data) else {
                        end(link, EndCause.badBase64, closeCode: 1007)
                        return
                    }
                    viewerData(link, UnsafeMutableRawBufferPointer(rebasing: data[..<decoded]))
                } else {
                    viewerData(link, data)
                }
            case .ping(let payload):
                if link.pointee.viewerTail.count < 64 * 1024 {
                    sendArray(link, WebSocketFrame.control(WebSocketFrame.pong, payload))
                }
            case .pong: break
            case .close(let code):
                if link.pointee.isRaw, !link.pointee.displayTail.isEmpty {
                    // What it said before still goes to the display.
                    link.pointee.viewerHalf = .ended
                    return
                }
                end(link, EndCause.viewerLeft, closeCode: (1000...4999).contains(code) && code != 1005 ? code : 1000)
            case .broken(let fault): end(link, "websocket fault \(fault.rawValue)", closeCode: fault.rawValue)
            }
        }
    }

    /// What the viewer said, as RFB.
    private func viewerData(_ link: Link, _ data: UnsafeMutableRawBufferPointer) {
        guard data.count > 0 else { return }
        if link.pointee.stage == .rfbHandshake {
            handshakeStep(link, data: data, fromViewer: true)
            return
        }
        if link.pointee.isRaw {
            if let base = data.baseAddress { sendDisplay(link, base.assumingMemoryBound(to: UInt8.self), data.count) }
            return
        }
        viewerMessages(link, data)
    }

    /// What the viewer said after the handshake.
    func viewerMessages(_ link: Link, _ data: UnsafeMutableRawBufferPointer) {
        do {
            let count = try link.pointee.messages.filter(UnsafeRawBufferPointer(data), into: filtered)
            if count > 0, let base = filtered.baseAddress {
                sendDisplay(link, base.assumingMemoryBound(to: UInt8.self), count)
            }
        } catch {
            end(link, error.cause, closeCode: 1002)
        }
    }

    /// Reads from the display, or the web module, once; returns how many bytes came.
    private func readDisplay(_ link: Link) -> Int {
        let room = link.pointee.subprotocol == .base64 ? Loop.textRoom : Loop.downRoom
        let count = recv(link.pointee.display, down, room, 0)
        guard count > 0 else {
            if count < 0, errno == EINTR { return 1 }
            link.pointee.displayReadable = false
            if count < 0, errno == EAGAIN { return 0 }
            displayEnded(link, broke: count < 0)
            return 0
        }
        if count < room, !link.pointee.displayGone { link.pointee.displayReadable = false }
        switch link.pointee.stage {
        case .linking: linkBytes(link, down, count)
        case .rfbHandshake:
            handshakeStep(link, data: UnsafeMutableRawBufferPointer(start: down, count: count), fromViewer: false)
        case .view: sendPayload(link, count)
        case .web: sendViewer(link, down, count)
        default: break
        }
        return count
    }

    /// Sends the first `count` bytes of `down` to the viewer of a view, framed where it is a WebSocket.
    private func sendPayload(_ link: Link, _ count: Int) {
        link.pointee.bytesToViewer += UInt64(count)
        guard link.pointee.frames != nil else {
            sendViewer(link, down, count)
            return
        }
        if link.pointee.subprotocol == .base64 {
            let room = Base64.encodedLength(Loop.textRoom)
            let length = Base64.encode(
                UnsafeRawBufferPointer(start: down, count: count),
                into: UnsafeMutableRawBufferPointer(start: text, count: room))
            let header = WebSocketFrame.header(length, opcode: WebSocketFrame.text, before: text)
            sendViewer(link, text - header, length + header)
        } else {
            let header = WebSocketFrame.header(count, opcode: WebSocketFrame.binary, before: down)
            sendViewer(link, down - header, count + header)
        }
    }

    /// The same for a few bytes of the opening.
    func sendPayload(_ link: Link, array: [UInt8]) {
        var start = 0
        while start < array.count {
            let count = min(array.count - start, Loop.textRoom)
            array.withUnsafeBufferPointer { bytes in
                if let base = bytes.baseAddress { memcpy(down, base + start, count) }
            }
            sendPayload(link, count)
            start += count
        }
    }

    func sendArray(_ link: Link, _ array: [UInt8]) {
        array.withUnsafeBufferPointer { bytes in
            if let base = bytes.baseAddress { sendViewer(link, base, bytes.count) }
        }
    }

    /// Seals bytes where there is TLS, and sends them.
    private func sendViewer(_ link: Link, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        guard let session = link.pointee.tls else {
            push(link, bytes, count)
            return
        }
        if !session.seal(bytes, count) { link.pointee.isBroken = true }
        flushCipher(link)
    }

    /// Sends what the TLS engine wrote: an answer of the handshake or a key update too, when only reading.
    func flushCipher(_ link: Link) {
        if !link.pointee.held.isEmpty { releaseCipher(link) }
        guard scratch.pointee.outputCount > 0 else { return }
        push(link, scratch.pointee.output, scratch.pointee.outputCount)
        scratch.pointee.outputCount = 0
    }

    /// Keeps what the TLS engine wrote for the next ``flushCipher(_:)``.
    private func holdCipher(_ link: Link) {
        let output = UnsafeBufferPointer(start: scratch.pointee.output, count: scratch.pointee.outputCount)
        link.pointee.held.append(contentsOf: output)
        scratch.pointee.outputCount = 0
    }

    private func releaseCipher(_ link: Link) {
        let held = link.pointee.held
        link.pointee.held = []
        scratch.pointee.putFirst(held)
    }

    private func push(_ link: Link, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        var sent = 0
        if link.pointee.viewerTail.isEmpty {
            while sent < count {
                let more = send(link.pointee.viewer, bytes + sent, count - sent, Int32(MSG_NOSIGNAL))
                if more < 0 {
                    if errno == EINTR { continue }
                    link.pointee.viewerWritable = false
                    if errno != EAGAIN {
                        link.pointee.isBroken = true
                        return
                    }
                    break
                }
                sent += more
            }
        }
        if sent < count { link.pointee.viewerTail.append(bytes + sent, count - sent) }
    }

    func sendDisplay(_ link: Link, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        var sent = 0
        if link.pointee.displayTail.isEmpty {
            while sent < count {
                let more = send(link.pointee.display, bytes + sent, count - sent, Int32(MSG_NOSIGNAL))
                if more < 0 {
                    if errno == EINTR { continue }
                    link.pointee.displayWritable = false
                    // A broken display shows by its end when what it still said has been read.
                    if errno != EAGAIN {
                        if link.pointee.displayHalf != .open { link.pointee.isBroken = true }
                        return
                    }
                    break
                }
                sent += more
            }
        }
        if sent < count { link.pointee.displayTail.append(bytes + sent, count - sent) }
    }
}
