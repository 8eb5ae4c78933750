import Glibc

/// The clocks that all processes of this machine share (clock_gettime(2)).
enum MachineClock {
    /// CLOCK_MONOTONIC, in seconds.
    static var monotonic: Double { read(CLOCK_MONOTONIC) }
    /// CLOCK_REALTIME, in seconds since 1970.
    static var date: Double { read(CLOCK_REALTIME) }

    private static func read(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// The machine's boot, which names its monotonic clock (random(4)); empty where the kernel does not tell.
    static let boot: String = {
        guard let file = fopen("/proc/sys/kernel/random/boot_id", "r") else { return "" }
        defer { fclose(file) }
        var text = [CChar](repeating: 0, count: 64)
        guard fgets(&text, 64, file) != nil else { return "" }
        return String(decoding: text.prefix { $0 != 0 && $0 != 10 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }()
}
