import ControlProtocol
import RelayProtocol
import SessionModel

/// Where a view goes, and on which terms: what the controller answered, or what a routes file says.
struct Destination: Sendable {
    enum Place: Sendable {
        /// The Unix socket that leads to a host's data process, and the line that asks it for the display.
        case dataLink(socket: String, line: [UInt8])
        /// The display itself, or a program: what is sent there is the viewer's.
        case display(FileRoute.Place)
    }

    let place: Place
    let kind: Route.Kind
    let mode: ViewMode
    let authentication: Route.Authentication
    /// Whether a display may ask for no password: one a controller looks after never does.
    let allowsNone: Bool

    /// What the controller answered.
    init(_ route: Route) {
        place = .dataLink(
            socket: route.socket, line: Array("RFB \(route.display) \(route.key.exposed)\n".utf8))
        kind = route.kind
        mode = route.mode
        authentication = route.authentication
        allowsNone = false
    }

    /// A line of a routes file.
    init(_ route: FileRoute) {
        place = .display(route.place)
        kind = route.kind == .rfb ? .rfb : .tcp
        mode = route.mode
        authentication = .viewer
        allowsNone = true
    }
}
