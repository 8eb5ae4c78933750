import SessionModel

/// A keeper's look at its display: it lives when a pixel comes; then the desktop's size is set where another is wanted.
///
/// TigerVNC sends only what was asked for, and an update that tells the desktop's size has no pixels: then the rest is
/// asked for again. After a change of size it holds pixels back for a 60th of a second, so the pixel comes first.
struct DisplayCheck {
    enum Action: Equatable {
        case send([UInt8])
        /// The pixel has come, and the desktop has the wanted size.
        case passed
        /// The display is of no use.
        case failed(String)
    }

    private enum Step {
        case opening, idle, resizing, lost
        case looking(then: Geometry?)
    }

    private static let pixel = DisplayClient.Rectangle(left: 0, top: 0, width: 1, height: 1)

    private var client: DisplayClient
    private var step = Step.opening

    /// The first look, at a display just connected to.
    init(password: Secret) { client = DisplayClient(password: password, mostPixels: 4096) }

    /// What is still missing, for the one who waited too long.
    var missing: String {
        switch step {
        case .opening: "no answer to its client"
        case .resizing: "the size was not set"
        case .looking: "no pixel"
        case .idle, .lost: "nothing"
        }
    }

    /// Looks again, once the first look has passed, and sees to it that the desktop has `size`.
    mutating func look(size: Geometry) -> [Action] {
        guard case .idle = step else { return [.failed("a look while another one goes on")] }
        return look(then: size)
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
        case (.opening, .opened): return look(then: nil)
        case (.looking(let size), .pixels): return resize(to: size)
        case (.resizing, .resizeAnswered(0)):
            step = .idle
            return [.passed]
        case (.resizing, .resizeAnswered(let status)):
            step = .lost
            return [.failed("it refused its size: \(status)")]
        case (.resizing, .updated), (.looking, .updated):
            return [.send(DisplayClient.request(Self.pixel, onlyChanges: true))]
        case (_, .opened), (_, .pixels), (_, .resizeAnswered), (_, .updated): return []
        }
    }
}
