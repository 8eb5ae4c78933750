import Logging

/// What varies in a log line; the message is constant.
public enum LogKey: String, Sendable {
    case session, user, host, display, application, view, address, took, reason, cause, request, status
    case error = "error.code"
}

extension Logger {
    func event(_ message: Message, level: Level = .info, _ metadata: [LogKey: String] = [:]) {
        log(
            level: level, message,
            metadata: Dictionary(uniqueKeysWithValues: metadata.map { ($0.key.rawValue, .string($0.value)) }))
    }
}
