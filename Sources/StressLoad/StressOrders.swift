import ControlProtocol
import SessionModel
import Stress

/// Requests of the control socket that only a stress user's have.
enum StressOrders {
    /// Where the load comes from, for the records.
    static let address = "stress"

    static func start(_ user: UserName, _ application: ApplicationName, isSynthetic: Bool) -> ControlRequest {
        .start(StartOrder(user: user, address: address, application: application))
    }
}
