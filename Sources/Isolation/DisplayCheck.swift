import SessionModel

/// A keeper's looks at its display: it lives when a pixel comes; then the desktop's size is set where another is wanted. Of
/// one that will wait the first look ends, and the connection stays, where it asks for the password: from its first
/// client on Xvnc keeps a second copy of the picture (TigerVNC's `CompareFB`), 3 MiB at 1024x768.
///
/// TigerVNC sends only what was asked for, and an update that tells the desktop's size has no pixels: then the rest is
/// asked for again. After a change of size it holds pixels back for a 60th of a second, so the pixel comes first.
struct DisplayCheck {
    enum Action: Equatable {
        case send([UInt8])
        /// The display lives, and at the hand-over its desktop has the wanted size.
        case passed
        /// The display is of no use.
        case failed(String)
    }

    private enum Step {
        case opening, waiting, idle, resizing, lost
        case entering(then: Geometry?)
        case looking(then: Geometry?)
    }

    private static let pixel = DisplayClient.Rectangle(left: 0, top: 0, width: 1, height: 1)

    private var client: DisplayClient
    private var step = Step.opening
    private let waits: Bool

    /// The first look, at a display just connected to; `waits` for one that will wait.
    init(password: Secret, waits: Bool = false) {
        client = DisplayClient(password: password, mostPixels: 4096)
        self.waits = waits
    }

    /// What is still missing, for the one who waited too long.
    var missing: String {
        switch step {
        case .opening: "no answer to its client"
        case .entering: "nobody was let in"
        case .resizing: "the size was not set"
        case .looking: "no pixel"
        case .waiting, .idle, .lost: "nothing"
        }
    }

    /// Looks again, once the first look has passed, and sees to it that the desktop has `size`.
    mutating func look(size: Geometry) -> [Action] {
        switch step {
        case .waiting: return enter(then: size)
        case .idle: return look(then: size)
        default: return [.failed("a look while another one goes on")]
        }
    }

    private mutating func enter(then size: Geometry?) -> [Action] {
        step = .entering(then: size)
        return [.send(client.logIn())]
    }

    private mutating func look(then size: Geometry?) -> [Action] {
        step = .looking(then: size)
        return [.send(DisplayClient.request(Self.pixel, onlyChanges: false))]
    }

    private mutating func resize(to size: Geometry?) -> [Action] {
        guard let size, size.width != client.width || size.height != client.height else {
            step = .idle
            return [.passed]
        }
        guard let resize = client.resize(to: size) else {
            step = .lost
            return [.failed("its size cannot be set")]
        }
        step = .resizing
        return [.send(resize + DisplayClient.request(Self.pixel, onlyChanges: true))]
    }

    /// Takes what the display sent.
    mutating func received(_ bytes: some Collection<UInt8>) -> [Action] {
        do throws(DisplayClient.Broken) {
            return try client.received(bytes).flatMap { heard($0) }
        } catch {
            step = .lost
            return [.failed(error.cause)]
        }
    }

    private mutating func heard(_ event: DisplayClient.Event) -> [Action] {
        switch (step, event) {
        case (_, .send(let bytes)): return [.send(bytes)]
        case (.opening, .challenged):
            guard waits else { return enter(then: nil) }
            step = .waiting
            return [.passed]
        case (.entering(let size), .opened): return look(then: size)
        case (.looking(let size), .pixels): return resize(to: size)
        case (.resizing, .resizeAnswered(0)):
            step = .idle
            return [.passed]
        case (.resizing, .resizeAnswered(let status)):
            step = .lost
            return [.failed("it refused its size: \(status)")]
        case (.resizing, .updated), (.looking, .updated):
            return [.send(DisplayClient.request(Self.pixel, onlyChanges: true))]
        case (_, .challenged), (_, .opened), (_, .pixels), (_, .resizeAnswered), (_, .updated): return []
        }
    }
}
