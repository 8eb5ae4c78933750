import Glibc

/// Where the controller listens.
public enum ControlPath {
    /// `$MAXWELL_SOCKET` when it is set and not empty, else `/run/maxwell/control.sock`.
    public static func standard() -> String {
        if let named = getenv("MAXWELL_SOCKET"), named.pointee != 0 { return String(cString: named) }
        return "/run/maxwell/control.sock"
    }
}
