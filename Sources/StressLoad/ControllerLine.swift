import ControlProtocol
import ControlSocket

/// A connection to the controller that is made anew when it broke. One thread at a time uses it.
final class ControllerLine {
    private let path: String
    private let patience: Int
    private var connection: ControlConnection?

    /// To the socket at `path`; an answer may take `patience` seconds.
    init(_ path: String, patience: Int) {
        self.path = path
        self.patience = patience
    }

    /// Whether the last round trip went well.
    var isConnected: Bool { connection != nil }

    /// One round trip; a connection that breaks is made anew for the next.
    func ask(_ request: ControlRequest) throws(ControlSocketError) -> ControlReply {
        let line: ControlConnection
        if let connection {
            line = connection
        } else {
            line = try ControlConnection(path: path, patience: patience)
        }
        connection = nil
        let reply = try line.ask(request)
        connection = line
        return reply
    }
}
