/// When a host that fails starts is set aside, and how long it rests before it is probed. Pure.
public enum SetAside {
    /// After so many failures in a row.
    public static let failures = 3
    /// Seconds before the first probe.
    public static let firstPause = 5
    /// Seconds between probes at most.
    public static let longestPause = 300

    /// Whether a host that failed `failures` times in a row is set aside.
    public static func isDue(failures: Int) -> Bool { failures >= Self.failures }

    /// Seconds until the next probe: 5, doubled for each of the `failedProbes` since the host was set aside, at most 300.
    public static func pause(failedProbes: Int) -> Int {
        min(longestPause, firstPause << max(0, min(failedProbes, 16)))
    }
}
