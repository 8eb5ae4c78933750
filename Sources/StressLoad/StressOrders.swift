import ControlProtocol
import SessionModel

/// Requests of the control socket as a load makes them.
enum StressOrders {
    /// Where the load comes from, for the records.
    static let address = "stress"

    static func start(_ user: UserName, _ application: ApplicationName, isSynthetic: Bool) -> ControlRequest {
        .start(
            StartOrder(
                user: user, address: address, application: application, stress: isSynthetic ? .synthetic : .real))
    }
}
