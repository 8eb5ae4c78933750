import Glibc
import HostProtocol

extension ApplicationOrder {
    /// The order with the controller's own address, which sshd tells (ssh(1), `SSH_CONNECTION`), among what an open
    /// network does not reach. An application that is allowed a port of the controller's machine by name gets it.
    var denyingController: ApplicationOrder {
        guard network?.policy == .open, let words = getenv("SSH_CONNECTION"),
            let client = String(cString: words).split(separator: " ").first.flatMap({ IPNetwork(String($0)) })
        else { return self }
        var order = self
        order.network?.denied.append(client.description)
        return order
    }
}
