import CLDAP
import Dispatch
import Glibc
import SessionModel

/// One thread at a time that may block in libldap, with a connection kept for look-ups.
///
/// Unchecked: everything that changes is touched on ``queue`` only, which is serial.
final class Lane: @unchecked Sendable {
    private let queue: DispatchQueue
    private let settings: DirectorySettings
    private let clock = ContinuousClock()
    private var kept: (connection: Connection, used: ContinuousClock.Instant)?
    /// The server that answered last.
    private var good = 0

    /// A connection unused for longer is not trusted: what lies between may have forgotten it without a word.
    private static let idleLimit = Duration.seconds(60)

    init(_ settings: DirectorySettings, number: Int) {
        self.settings = settings
        queue = DispatchQueue(label: "maxwell.directory.\(number)")
    }

    /// Runs `work` on this lane's thread, and answers `box`, unless that was answered meanwhile.
    func run<Value: Sendable>(
        _ box: Answer<Value>, _ work: @escaping @Sendable (Lane) throws(DirectoryError) -> Value
    ) {
        queue.async {
            guard !box.isAnswered else { return }
            box.give(
                withoutBrokenPipes { () -> Result<Value, DirectoryError> in
                    do throws(DirectoryError) { return .success(try work(self)) } catch { return .failure(error) }
                })
        }
    }

    /// Asks over the kept connection, or a new one to the first server that answers.
    func ask<Value>(
        until deadline: ContinuousClock.Instant, _ question: (Connection, Duration) throws(ServerFailure) -> Value
    ) throws(DirectoryError) -> Value {
        if let kept, clock.now - kept.used < Self.idleLimit {
            do throws(ServerFailure) {
                let value = try question(kept.connection, left(until: deadline) / 2)
                self.kept?.used = clock.now
                return value
            } catch {
                if !error.isOfTheWay { throw .misconfigured(cause: error.text) }
            }
        }
        kept = nil
        return try firstThatAnswers(until: deadline) { (connection, time) throws(ServerFailure) in
            if let dn = settings.bindDN, let password = settings.bindPassword {
                guard connection.isPrivate else {
                    throw ServerFailure(code: LDAP_CONFIDENTIALITY_REQUIRED, text: Self.clearText)
                }
                try connection.bind(dn: dn, password: password, time: time)
            }
            let value = try question(connection, time)
            kept = (connection, clock.now)
            return value
        } refused: {
            .misconfigured(cause: $0.text)
        }
    }

    /// Whether `password` opens `dn`, over a connection of its own.
    func check(
        _ user: UserName, dn: String, _ password: Secret, until deadline: ContinuousClock.Instant
    ) throws(DirectoryError) {
        try firstThatAnswers(until: deadline) { (connection, time) throws(ServerFailure) in
            guard connection.isPrivate else {
                throw ServerFailure(code: LDAP_CONFIDENTIALITY_REQUIRED, text: Self.clearText)
            }
            try connection.bind(dn: dn, password: password, time: time)
        } refused: {
            switch $0.code {
            case LDAP_INVALID_CREDENTIALS, LDAP_INAPPROPRIATE_AUTH: .wrongPassword(user)
            default: .misconfigured(cause: $0.text)
            }
        }
    }

    private static let clearText = "a password would cross the network in clear: set ldap.start_tls, or use ldaps://"

    /// Tries each server, the good one first; each gets its share of the time that is left.
    private func firstThatAnswers<Value>(
        until deadline: ContinuousClock.Instant, _ question: (Connection, Duration) throws(ServerFailure) -> Value,
        refused: (ServerFailure) -> DirectoryError
    ) throws(DirectoryError) -> Value {
        var causes: [String] = []
        let count = settings.uris.count
        for tried in 0..<count {
            let index = (good + tried) % count
            let share = left(until: deadline) / (count - tried)
            if share <= .zero { break }
            do throws(ServerFailure) {
                let connection = try Connection(uri: settings.uris[index], settings: settings, time: share / 2)
                let value = try question(connection, share / 2)
                good = index
                return value
            } catch {
                guard error.isOfTheWay else { throw refused(error) }
                causes.append(error.text)
            }
        }
        throw .unavailable(cause: causes.isEmpty ? "no time was left to ask" : causes.joined(separator: "; "))
    }

    private func left(until deadline: ContinuousClock.Instant) -> Duration { max(.zero, deadline - clock.now) }
}
