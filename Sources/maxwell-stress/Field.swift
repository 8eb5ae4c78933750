import SessionModel
import Stress

/// The gateway that `command` names.
func openField(_ command: StressCommand, _ options: StressOptions) throws -> any StressField & Sendable {
    throw Refusal("This program was built without a load.", .unavailable)
}

/// Removes all that belongs to stress users, and tells how much it was.
func cleanGateway() throws -> String {
    throw Refusal("This program was built without a load.", .unavailable)
}
