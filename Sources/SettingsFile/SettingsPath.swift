import Glibc

/// Where a program finds its settings when nobody says.
public enum SettingsPath {
    /// $MAXWELL_CONFIG, else /etc/maxwell/maxwell.yaml.
    public static func standard() -> String {
        getenv("MAXWELL_CONFIG").map { String(cString: $0) } ?? "/etc/maxwell/maxwell.yaml"
    }
}
