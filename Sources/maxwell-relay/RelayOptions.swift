import ViewRelay

/// An argument that cannot be used.
struct OptionError: Error, CustomStringConvertible {
    let description: String
}

/// The command line: what it names comes before the settings file.
struct RelayOptions {
    private(set) var values: [String: String] = [:]

    private static let names = [
        "--config", "--listen", "--cert", "--key", "--direct-cert", "--direct-key", "--web-socket", "--control-socket",
        "--user", "--loops", "--opening-timeout",
    ]

    init(_ arguments: [String]) throws(OptionError) {
        var rest = arguments[...]
        while let name = rest.popFirst() {
            guard RelayOptions.names.contains(name) else { throw OptionError(description: "unknown option \(name)") }
            guard let value = rest.popFirst() else { throw OptionError(description: "\(name) needs a value") }
            values[name] = value
        }
    }

    /// The account to run as once everything is open.
    var user: String? { values["--user"] }

    /// Everything the relay is told at start.
    func configuration() throws(OptionError) -> RelayConfiguration {
        guard let certificate = values["--cert"], let key = values["--key"] else {
            throw OptionError(description: "--cert and --key are needed")
        }
        var configuration = RelayConfiguration(
            pair: .init(certificate: certificate, key: key),
            controlSocket: values["--control-socket"] ?? "/run/maxwell/control.sock")
        if let listen = values["--listen"] { configuration.listen = listen }
        if let certificate = values["--direct-cert"], let key = values["--direct-key"] {
            configuration.directPair = .init(certificate: certificate, key: key)
        }
        configuration.webSocket = values["--web-socket"]
        configuration.loops = try number("--loops", 1...64) ?? 1
        configuration.openingTimeout = try number("--opening-timeout", 1...600) ?? 10
        return configuration
    }

    private func number(_ name: String, _ range: ClosedRange<Int>) throws(OptionError) -> Int? {
        guard let text = values[name] else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw OptionError(description: "\(name): expected \(range.lowerBound)-\(range.upperBound)")
        }
        return number
    }
}
