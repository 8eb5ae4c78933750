import CLinux
import Glibc
import SessionModel

/// The process that speaks RFB with the viewers of all synthetic displays of a host: it is nobody, sees no file and no
/// network, and may ask the kernel for nothing but reading and writing what it was given.
///
/// One epoll loop. It holds a few numbers for each display and each viewer, and no pictures.
final class SyntheticPainter {
    private final class Desktop {
        var picture: SyntheticPicture
        let number: DisplayNumber
        let password: Secret
        var viewers: [Int32: Viewer] = [:]

        init(_ number: DisplayNumber, _ geometry: Geometry, _ password: Secret) {
            self.number = number
            self.password = password
            picture = SyntheticPicture(number: number.value, width: geometry.width, height: geometry.height)
        }
    }

    private final class Viewer {
        let socket: Int32
        let desktop: Desktop
        var machine: SyntheticViewer
        /// It does not take what it gets as fast as it could.
        var isHeldUp = false

        init(_ socket: Int32, _ desktop: Desktop, _ machine: SyntheticViewer) {
            self.socket = socket
            self.desktop = desktop
            self.machine = machine
        }
    }

    /// The wanderers of all displays that somebody watches move twice a second, a tenth of the displays at a time.
    private static let slots = 10
    private static let slotTime = 0.05
    /// Bytes of an update that are made at a time, and how often that is done in one turn for one viewer.
    private static let portion = 64 << 10
    private static let portions = 8

    private let link: Int32
    private let ready = ReadinessSet()
    private var desktops: [DisplayNumber: Desktop] = [:]
    private var slots = [[DisplayNumber]](repeating: [], count: SyntheticPainter.slots)
    private var viewers: [Int32: Viewer] = [:]
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: SyntheticPainter.portion, alignment: 16)
    private var slot = 0
    private var nextSlot = 0.0

    private init(link: Int32) { self.link = link }

    deinit { buffer.deallocate() }

    /// Does what the packet socket `link` says, until it ends.
    static func main(link: Int32) {
        let painter = SyntheticPainter(link: link)
        guard painter.ready.add(link) else { return }
        painter.run()
    }

    private var isLinked = true

    private func run() {
        while isLinked {
            if viewers.isEmpty { nextSlot = now() }
            ready.wait(seconds: viewers.isEmpty ? nil : nextSlot - now()) { [self] fd, _ in
                if fd == link { hear() } else if let viewer = viewers[fd] { attend(viewer) }
            }
            if !viewers.isEmpty, now() >= nextSlot { move() }
        }
    }

    /// The wanderers of the next tenth of the displays go on.
    private func move() {
        // What a stopped machine missed is not made up for.
        nextSlot = max(nextSlot + Self.slotTime, now() - Self.slotTime)
        slot = (slot + 1) % Self.slots
        for number in slots[slot] {
            guard let desktop = desktops[number], !desktop.viewers.isEmpty else { continue }
            desktop.picture.move()
            show(desktop)
        }
    }

    // MARK: What it is told

    private func hear() {
        var words = [UInt8](repeating: 0, count: 256)
        while isLinked {
            var given: Int32 = -1
            let count = clinux_receive_descriptor(link, &words, words.count, &given)
            if count < 0 && (errno == EAGAIN || errno == EINTR) { return }
            guard count > 0 else {
                isLinked = false
                return
            }
            carryOut(PainterWord(words[..<count]), given)
        }
    }

    private func carryOut(_ word: PainterWord?, _ given: Int32) {
        if case .admit(let number) = word, let desktop = desktops[number], given >= 0 { return admit(given, desktop) }
        if given >= 0 { close(given) }
        switch word {
        case .stand(let number, let geometry, let password):
            guard desktops[number] == nil else { return }
            desktops[number] = Desktop(number, geometry, password)
            slots[number.value % Self.slots].append(number)
        case .resize(let number, let geometry):
            guard let desktop = desktops[number] else { return }
            desktop.picture.resize(width: geometry.width, height: geometry.height)
            show(desktop)
        case .fall(let number):
            if let desktop = desktops.removeValue(forKey: number) {
                for viewer in desktop.viewers.values { drop(viewer) }
                slots[number.value % Self.slots].removeAll { $0 == number }
            }
            // Waits for its turn where many displays end at once.
            _ = writeAll(Array("\(number)".utf8), to: link)
        case .admit, nil: break
        }
    }

    private func admit(_ socket: Int32, _ desktop: Desktop) {
        var generator = SystemRandomNumberGenerator()
        let challenge = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        guard ready.add(socket) else {
            close(socket)
            return
        }
        let viewer = Viewer(
            socket, desktop,
            SyntheticViewer(display: desktop.number.value, password: desktop.password, challenge: challenge))
        desktop.viewers[socket] = viewer
        viewers[socket] = viewer
        speak(viewer)
    }

    // MARK: Viewers

    private func attend(_ viewer: Viewer) {
        let count = read(viewer.socket, buffer.baseAddress, 16 << 10)
        if count < 0 && (errno == EAGAIN || errno == EINTR) { return speak(viewer) }
        guard count > 0 else { return drop(viewer) }
        let desktop = viewer.desktop
        let before = desktop.picture
        do throws(SyntheticViewer.Broken) {
            try viewer.machine.received(buffer[..<count], &desktop.picture)
        } catch {
            // A refused password is answered before the end.
            speak(viewer)
            return drop(viewer)
        }
        if desktop.picture == before { speak(viewer) } else { show(desktop) }
    }

    /// Everyone who watches and waits gets what changed.
    private func show(_ desktop: Desktop) { for viewer in desktop.viewers.values { speak(viewer) } }

    private func speak(_ viewer: Viewer) {
        guard viewers[viewer.socket] === viewer else { return }
        for _ in 0..<Self.portions {
            let count = viewer.machine.fill(buffer, showing: viewer.desktop.picture)
            guard count > 0 else { return hold(viewer, false) }
            let sent = send(viewer.socket, buffer.baseAddress, count, Int32(MSG_NOSIGNAL))
            if sent < 0 && (errno == EAGAIN || errno == EINTR) { break }
            guard sent > 0 else { return drop(viewer) }
            viewer.machine.sent(sent)
            if sent < count { break }
        }
        hold(viewer, true)
    }

    private func hold(_ viewer: Viewer, _ isHeldUp: Bool) {
        guard viewer.isHeldUp != isHeldUp else { return }
        viewer.isHeldUp = isHeldUp
        ready.set(viewer.socket, POLLIN | (isHeldUp ? POLLOUT : 0))
    }

    private func drop(_ viewer: Viewer) {
        guard viewers[viewer.socket] === viewer else { return }
        viewers[viewer.socket] = nil
        viewer.desktop.viewers[viewer.socket] = nil
        ready.remove(viewer.socket)
        // Unread bytes at its close would be a broken connection to the other side, not an end (unix(7)).
        shutdown(viewer.socket, Int32(SHUT_RDWR))
        var turns = 16
        while turns > 0, read(viewer.socket, buffer.baseAddress, buffer.count) > 0 { turns -= 1 }
        close(viewer.socket)
    }
}
