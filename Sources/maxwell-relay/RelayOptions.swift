import Glibc
import SettingsFile
import ViewRelay

/// An argument that cannot be used.
struct OptionError: Error, CustomStringConvertible {
    let description: String
}

/// The command line: what it names comes before the settings file, which is read only when it is named, there, or
/// needed.
struct RelayOptions {
    private let values: [String: String]
    private let settings: Settings?

    private static let names = [
        "--config", "--listen", "--cert", "--key", "--direct-cert", "--direct-key", "--web-socket", "--control-socket",
        "--user", "--loops", "--opening-timeout",
    ]

    init(_ arguments: [String]) throws {
        var values: [String: String] = [:]
        var rest = arguments[...]
        while let name = rest.popFirst() {
            guard RelayOptions.names.contains(name) else { throw OptionError(description: "unknown option \(name)") }
            guard let value = rest.popFirst() else { throw OptionError(description: "\(name) needs a value") }
            values[name] = value
        }
        self.values = values
        let named = values["--config"] ?? getenv("MAXWELL_CONFIG").map { String(cString: $0) }
        if let named {
            settings = try Settings.load(path: named)
        } else if values["--cert"] == nil || values["--control-socket"] == nil {
            settings = try Settings.load(path: "/etc/maxwell/maxwell.yaml")
        } else {
            settings = nil
        }
    }

    /// The account to run as once everything is open; nil: the caller's.
    var user: String? {
        if let user = values["--user"] { return user }
        return getuid() == 0 ? settings?.relay.user : nil
    }

    /// Everything the relay is told at start.
    func configuration() throws(OptionError) -> RelayConfiguration {
        guard let certificate = values["--cert"] ?? settings?.relay.certificate,
            let key = values["--key"] ?? settings?.relay.key,
            let control = values["--control-socket"] ?? settings?.controller.socket
        else { throw OptionError(description: "--cert, --key and --control-socket, or --config, are needed") }
        var configuration = RelayConfiguration(
            pair: .init(certificate: certificate, key: key), controlSocket: control)
        if let listen = values["--listen"] {
            configuration.listen = listen
        } else if let listen = settings?.relay.listen {
            configuration.listen = "[\(listen.host)]:\(listen.port)"
        }
        if let certificate = values["--direct-cert"] ?? settings?.relay.directCertificate,
            let key = values["--direct-key"] ?? settings?.relay.directKey
        {
            configuration.directPair = .init(certificate: certificate, key: key)
        }
        configuration.webSocket = values["--web-socket"] ?? settings?.web.socket
        configuration.loops = try number("--loops", 1...64) ?? min(settings?.relay.loops ?? 1, 64)
        configuration.openingTimeout =
            try number("--opening-timeout", 1...600)
            ?? settings.map { max(1, min(600, Int($0.relay.openingTimeout.components.seconds))) } ?? 10
        configuration.origins = settings?.relay.allowedOrigins ?? []
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
