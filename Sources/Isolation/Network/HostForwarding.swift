import Glibc
import HostProtocol

/// Whether the host passes packets on between its devices: a setting of the kernel's for all of them, which the first
/// cable may find off.
///
/// What was off before is ours: only cables use it (``NetworkRules/host(ours:)``), and it is off again after the last one.
struct HostForwarding {
    enum Family: String, CaseIterable {
        case ipv4, ipv6
    }

    private static func setting(_ family: Family) -> String {
        switch family {
        case .ipv4: "/proc/sys/net/ipv4/ip_forward"
        case .ipv6: "/proc/sys/net/ipv6/conf/all/forwarding"
        }
    }

    /// Whether new devices of the calling process's network have IPv6.
    static var hasSix: Bool { text(of: "/proc/sys/net/ipv6/conf/default/disable_ipv6") == "0\n" }

    /// The file that remembers what is ours; whoever has it locked decides.
    private let note: Int32

    init(note: Int32) { self.note = note }

    /// The families that were off.
    var ours: [Family] {
        var words = [UInt8](repeating: 0, count: 32)
        let count = pread(note, &words, words.count, 0)
        let text = String(decoding: words.prefix(max(0, count)), as: UTF8.self)
        return text.split(separator: " ").compactMap { Family(rawValue: String($0)) }
    }

    private func remember(_ families: [Family]) {
        let words = Array(families.map(\.rawValue).joined(separator: " ").utf8)
        ftruncate(note, 0)
        _ = pwrite(note, words, words.count, 0)
    }

    /// Switches on what is off; noted first, so that a death in between leaves nothing that nobody knows of.
    func begin(six: Bool) throws(HostFailure) {
        for family in Family.allCases where family == .ipv4 || six {
            guard text(of: Self.setting(family)) == "0\n" else { continue }
            if !ours.contains(family) { remember(ours + [family]) }
            if family == .ipv6 { keepRouters() }
            guard Self.write("1", to: Self.setting(family)) else { throw failure("open \(Self.setting(family))") }
        }
    }

    /// Switches off again what is ours.
    func end() {
        for family in ours { _ = Self.write("0", to: Self.setting(family)) }
        ftruncate(note, 0)
    }

    /// A host that forwards IPv6 believes routers' advertisements only where it is told to (ip-sysctl, `accept_ra`): where
    /// it believed them, it goes on.
    private func keepRouters() {
        for device in names(in: "/proc/sys/net/ipv6/conf") where device != "all" && device != "default" {
            let setting = "/proc/sys/net/ipv6/conf/\(device)/accept_ra"
            if text(of: setting) == "1\n" { _ = Self.write("2", to: setting) }
        }
    }

    private static func write(_ word: String, to file: String) -> Bool {
        let fd = open(file, O_WRONLY | O_CLOEXEC)
        guard fd >= 0 else { return false }
        defer { close(fd) }
        return writeAll(Array(word.utf8), to: fd)
    }
}
