import SettingsFile

/// What maxwell-web needs to know: the settings, where the command line does not say otherwise.
struct Place {
    let socket: String
    let noVNC: String
    let user: String
    /// Where quotas are asked for; nil: nowhere.
    let quotas: ListenAddress?
    /// The controller's socket.
    let controller: String
    /// Whose questions about quotas are answered.
    let portalUsers: [String]

    /// Reads the settings file.
    init(_ arguments: Arguments) throws(SettingsErrors) {
        let settings = try Settings.load(path: arguments.config ?? SettingsPath.standard())
        let web = settings.web
        socket = arguments.socket ?? web.socket
        noVNC = arguments.novnc ?? web.noVNC
        user = arguments.user ?? web.user
        quotas = web.quotaListen
        controller = settings.controller.socket
        portalUsers = settings.controller.portalUsers
    }
}
