import ControlSocket
import SettingsFile
import ViewRelay

/// What the relay runs on: the settings, where the command line does not say otherwise.
struct Place {
    let relay: RelayConfiguration
    /// The account to become; nil: stay.
    let user: String?

    init(_ arguments: Arguments) throws(SettingsErrors) {
        var configuration: RelayConfiguration
        if let certificate = arguments.cert, let key = arguments.key, arguments.config == nil {
            configuration = RelayConfiguration(
                pair: .init(certificate: certificate, key: key), controlSocket: ControlPath.standard())
            user = arguments.user
        } else {
            let settings = try Settings.load(path: arguments.config ?? SettingsPath.standard())
            configuration = RelayConfiguration(settings)
            user = arguments.user ?? settings.relay.user
        }
        if !arguments.listen.isEmpty { configuration.listen = arguments.listen }
        if let certificate = arguments.cert, let key = arguments.key {
            configuration.pair = .init(certificate: certificate, key: key)
        }
        if let certificate = arguments.directCert, let key = arguments.directKey {
            configuration.directPair = .init(certificate: certificate, key: key)
        }
        if let socket = arguments.webSocket { configuration.webSocket = socket }
        if let socket = arguments.controlSocket { configuration.controlSocket = socket }
        configuration.routes = arguments.routes
        if let loops = arguments.loops { configuration.loops = loops }
        if let seconds = arguments.tlsTimeout { configuration.tlsTimeout = seconds }
        if let seconds = arguments.openingTimeout { configuration.openingTimeout = seconds }
        if let seconds = arguments.leavingTimeout { configuration.leavingTimeout = seconds }
        if let most = arguments.mostConnections { configuration.mostConnections = most }
        if let most = arguments.mostPerSource { configuration.mostPerSource = most }
        if let most = arguments.mostOpening { configuration.mostOpening = most }
        relay = configuration
    }
}

extension RelayConfiguration {
    /// What the settings say of the relay.
    init(_ settings: Settings) {
        let relay = settings.relay
        self.init(
            pair: .init(certificate: relay.certificate, key: relay.key), controlSocket: settings.controller.socket)
        listen = ["\(relay.listen)"] + (relay.browserListen.map { ["\($0)"] } ?? [])
        directPair = .init(certificate: relay.directCertificate, key: relay.directKey)
        webSocket = settings.web.socket
        loops = relay.loops
        listen += relay.listeners.filter { !$0.greetsInRFB }.map { "\($0.address)" }
        nativeListen = relay.listeners.filter(\.greetsInRFB).map { "\($0.address)" }
        tlsTimeout = Int(relay.tlsTimeout.components.seconds)
        openingTimeout = Int(relay.openingTimeout.components.seconds)
        greetingDelay = relay.greetingDelay / .seconds(1)
        secondLayerDelay = relay.secondLayerDelay / .seconds(1)
        leavingTimeout = Int(relay.leavingTimeout.components.seconds)
        mostConnections = relay.mostConnections
        mostPerSource = relay.mostPerSource
        mostOpening = relay.mostOpening
        ciphers = relay.ciphers
        cipherSuites = relay.cipherSuites
        onlyTLS13 = relay.onlyTLS13
        origins = relay.allowedOrigins
    }
}
