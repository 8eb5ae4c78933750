import SettingsFile

/// What maxwell-web needs to know: the settings, where the command line does not say otherwise.
struct Place {
    let socket: String
    let noVNC: String
    let user: String

    /// Reads the settings file.
    init(_ arguments: Arguments) throws(SettingsErrors) {
        let web = try Settings.load(path: arguments.config ?? SettingsPath.standard()).web
        socket = arguments.socket ?? web.socket
        noVNC = arguments.novnc ?? web.noVNC
        user = arguments.user ?? web.user
    }
}
