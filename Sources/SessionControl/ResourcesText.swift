import SessionModel

/// The file `$SESSIONDIR/resources`: one `key value` per line, read as Tcl by some readers and split at spaces by others,
/// so a value is quoted only where it must be, and what Tcl would expand is left out.
struct ResourcesText {
    var session: SessionNumber
    var token: Secret
    var application: Application
    var version: String
    var gatewayName: String
    var gatewayURL: String
    var resultsFolder: String

    var text: Secret {
        let lines = [
            ("sessionid", session.description),
            ("session_token", token.exposed),
            ("application_name", application.title),
            ("application_id", application.name.text),
            ("version", version),
            ("hub_name", gatewayName),
            ("hub_url", gatewayURL),
            ("results_directory", resultsFolder),
        ]
        return Secret(lines.filter { !$0.1.isEmpty }.map { "\($0.0) \(Self.word($0.1))\n" }.joined())
    }

    /// `value` as one Tcl word.
    static func word(_ value: String) -> String {
        let safe = String(value.filter { !"\"$[]{}\\;\n\r".contains($0) })
        return safe.contains(where: \.isWhitespace) ? "\"\(safe)\"" : safe
    }
}
