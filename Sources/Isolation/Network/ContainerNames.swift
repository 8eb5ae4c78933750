import Glibc
import SessionModel

/// What a container's files of /etc say of names.
struct ContainerNames: Codable, Equatable {
    /// Lines of hosts(5) besides those of the container itself.
    var hosts = ""
    /// resolv.conf(5); without a name server it is empty, and nobody is asked.
    var resolver = ""

    /// hosts(5), for a container called `name`.
    func hostsFile(name: String) -> String { "127.0.0.1 localhost \(name)\n::1 localhost\n" + hosts }

    /// The line of nsswitch.conf(5).
    var hostsSources: String { "hosts: files" + (resolver.isEmpty ? "" : " dns") + "\n" }

    /// The lines of hosts(5) for `names`, in the order in which the policy has them.
    static func lines(_ names: [String: [IPNetwork]], of policy: NetworkPolicy) -> String {
        Reach.names(in: policy).flatMap { name in (names[name] ?? []).map { "\($0) \(name)\n" } }.joined()
    }

    /// What of a host's resolv.conf(5) holds inside: name servers other than those in `denied`, and how names are
    /// completed; nothing when no server is left, as where the host asks one of its own on a loopback address.
    static func resolver(_ text: String, denied: [IPNetwork]) -> String {
        var lines: [String] = []
        var asksSomebody = false
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
            switch words.first {
            case "nameserver":
                guard words.count > 1, let server = IPNetwork(words[1]), server.isAddress,
                    !denied.contains(where: { $0.contains(server) })
                else { continue }
                lines.append("nameserver \(server)")
                asksSomebody = true
            case "search", "domain", "options": lines.append(words.joined(separator: " "))
            default: break
            }
        }
        return asksSomebody ? lines.joined(separator: "\n") + "\n" : ""
    }

    /// The host's own, or where that has only loopback servers, the one that systemd-resolved keeps for programs that
    /// do not go by way of it (systemd-resolved.service(8)).
    static func hostResolver(denied: [IPNetwork]) -> String {
        for path in ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"] {
            let usable = resolver(text(of: path) ?? "", denied: denied)
            if !usable.isEmpty { return usable }
        }
        return ""
    }
}
