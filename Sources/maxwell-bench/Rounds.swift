import SessionModel

/// Starts, sees and ends sessions, one after the other.
struct Rounds {
    let gateway: Gateway
    /// How the first pixels are looked at; nil: they are not.
    let doorway: Doorway?
    private var floor = Samples("process spawn")
    private var start = Samples("maxwell start")
    private var view = Samples("maxwell view")
    private var opening = Samples("TLS and WebSocket")
    private var painting = Samples("log-in to first pixels")
    private var pixels = Samples("first pixels since the start")
    private var stop = Samples("maxwell stop")

    init(_ gateway: Gateway, through doorway: Doorway?) {
        self.gateway = gateway
        self.doorway = doorway
    }

    /// Everything measured, the floor first.
    var figures: [Samples] { [floor, start, view, opening, painting, pixels, stop].filter { $0.count > 0 } }

    /// One session from start to stop, and one spawn of a program that does nothing.
    mutating func run() throws(Refusal) {
        floor.add(TimedCommand.run("/bin/true", []).duration)
        let started = try gateway.ask(gateway.startWords)
        start.add(started.duration)
        guard let session = gateway.session(in: started) else {
            throw Refusal("'maxwell start' answered in other words than it should.", .protocolError)
        }
        do throws(Refusal) {
            let seen = try gateway.view(session)
            view.add(seen.answer.duration)
            if let doorway {
                let first = try FirstPixel(of: seen.view, through: doorway)
                opening.add(first.opening)
                painting.add(first.painting)
                pixels.add(first.seen - started.began)
            }
        } catch {
            // The session is ours to end, whatever else failed.
            _ = try? gateway.ask(["stop", session])
            throw error
        }
        stop.add(try gateway.ask(["stop", session]).duration)
    }
}
