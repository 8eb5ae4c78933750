import SessionModel

/// What nft(8) is told of a cable: the same policy twice, in the container's network, where a program hears at once that
/// it may not, and on the host, where no mistake in a container's network reaches.
///
/// A script is one transaction: all of it holds, or nothing has changed. What a script adds may be there already.
struct NetworkRules {
    /// The table, in both networks.
    static let table = "inet maxwell"
    /// Connections at a time of one container: those that the host has to remember are its memory.
    private static let mostConnections = 2048

    let cable: Cable
    let reach: Reach
    /// Xvnc's uid, which has no business in any network: it listens on a Unix socket.
    let displayUser: UInt32

    /// In the container's network, before its cable carries anything; fails where a start that failed has left its rules.
    var container: String {
        var lines = [
            "create table \(Self.table)",
            "add chain \(Self.table) refuse",
            "add rule \(Self.table) refuse meta l4proto tcp reject with tcp reset",
            "add rule \(Self.table) refuse reject with icmpx type admin-prohibited",
            "add chain \(Self.table) input { type filter hook input priority filter; policy drop; }",
            "add rule \(Self.table) input iifname \"lo\" accept",
            "add rule \(Self.table) input ct state established,related accept",
            "add chain \(Self.table) forward { type filter hook forward priority filter; policy drop; }",
            "add chain \(Self.table) output { type filter hook output priority filter; policy drop; }",
            // First of all, the loopback included: a socket stays the uid's that made it, whoever has it later.
            "add rule \(Self.table) output meta skuid \(displayUser) goto refuse",
            "add rule \(Self.table) output oifname \"lo\" accept",
        ]
        // What does not leave it is nothing to remember.
        for (hook, way) in [("output", "oifname"), ("prerouting", "iifname")] {
            lines += [
                "add chain \(Self.table) \(hook)-alone { type filter hook \(hook) priority raw; policy accept; }",
                "add rule \(Self.table) \(hook)-alone \(way) \"lo\" notrack",
            ]
        }
        lines += sets(prefix: "") + policy(chain: "output", prefix: "", refusal: "goto refuse")
        return script(lines)
    }

    /// The same in place of what is there: it makes the kernel wait for who uses that.
    var containerAnew: String { "delete table \(Self.table)\n" + container }

    /// On the host. Forwarding of a family in `ours` was off before the first cable came: nobody else gets it.
    func host(ours: [HostForwarding.Family]) -> String {
        let chain = cable.name
        var lines = [
            "add table \(Self.table)",
            "add set \(Self.table) cables { type ifname; }",
            "add map \(Self.table) policies { type ifname : verdict; }",
        ]
        for (hook, rules) in [
            ("input", ["iifname @cables drop"]),
            ("output", ["oifname @cables ct state established,related accept", "oifname @cables drop"]),
            (
                "forward",
                [
                    "oifname @cables ct state established,related accept", "oifname @cables drop",
                    "iifname vmap @policies", "iifname @cables drop",
                ] + ours.map { "meta nfproto \($0.rawValue) drop" }
            ),
        ] {
            // Before the chains that other programs have at this hook.
            lines.append(
                "add chain \(Self.table) \(hook) { type filter hook \(hook) priority filter - 5; policy accept; }")
            lines.append("flush chain \(Self.table) \(hook)")
            lines += rules.map { "add rule \(Self.table) \(hook) \($0)" }
        }
        lines += [
            "add chain \(Self.table) leave { type nat hook postrouting priority srcnat; policy accept; }",
            "flush chain \(Self.table) leave",
            "add rule \(Self.table) leave iifname @cables masquerade",
        ]
        lines += sets(prefix: chain + "-")
        lines += ["add chain \(Self.table) \(chain)", "flush chain \(Self.table) \(chain)"]
        lines += policy(chain: chain, prefix: chain + "-", refusal: "drop")
        lines += [
            "add element \(Self.table) cables { \"\(chain)\" }",
            "add element \(Self.table) policies { \"\(chain)\" : jump \(chain) }",
        ]
        return script(lines)
    }

    /// What has changed of ``reach``, in the container's network.
    var containerRefresh: String { script(filled(prefix: "")) }

    /// The same on the host.
    var hostRefresh: String { script(filled(prefix: cable.name + "-")) }

    /// Takes the cable of `display` out of the host's table, which others use; it need not be in it.
    static func removal(of display: DisplayNumber) -> String {
        let chain = Cable.name(of: display)
        var lines = [
            "add table \(table)", "add set \(table) cables { type ifname; }",
            "add map \(table) policies { type ifname : verdict; }", "add chain \(table) \(chain)",
        ]
        for element in ["cables { \"\(chain)\" }", "policies { \"\(chain)\" : jump \(chain) }"] {
            lines += ["add element \(table) \(element)", "delete element \(table) \(element)"]
        }
        lines += ["flush chain \(table) \(chain)", "delete chain \(table) \(chain)"]
        for (name, type) in kinds {
            let set = "set \(table) \(chain)-\(name)"
            lines += ["add \(set) { \(type) }", "delete \(set)"]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Takes the whole table away.
    static let wholeRemoval = "add table \(table)\ndelete table \(table)\n"

    /// The sets a policy may have.
    private static let kinds = [
        ("allowed4", "type ipv4_addr . inet_proto . inet_service;"),
        ("allowed6", "type ipv6_addr . inet_proto . inet_service;"),
        ("denied4", "type ipv4_addr; flags interval;"),
        ("denied6", "type ipv6_addr; flags interval;"),
    ]

    private var kinds: [(name: String, type: String)] {
        let word = if case .only = reach { "allowed" } else { "denied" }
        return Self.kinds.filter { $0.0.hasPrefix(word) }.map { (name: $0.0, type: $0.1) }
    }

    private func sets(prefix: String) -> [String] {
        kinds.map { "add set \(Self.table) \(prefix)\($0.name) { \($0.type) }" } + filled(prefix: prefix)
    }

    private func filled(prefix: String) -> [String] {
        kinds.flatMap { kind in
            let six = kind.name.hasSuffix("6")
            let elements: [String] =
                switch reach {
                case .only(let grants):
                    grants.filter { $0.address.isSix == six }
                        .map { "\($0.address) . \($0.transport.rawValue) . \($0.port)" }
                case .everythingBut(let networks): networks.filter { $0.isSix == six }.map(\.description)
                }
            let set = "\(Self.table) \(prefix)\(kind.name)"
            return ["flush set \(set)"]
                + (elements.isEmpty ? [] : ["add element \(set) { \(elements.joined(separator: ", ")) }"])
        }
    }

    /// What leaves the container: only with its own addresses, and only to where it may.
    private func policy(chain: String, prefix: String, refusal: String) -> [String] {
        var rules = [
            "ip saddr != \(cable.container) drop", "ip6 saddr != \(cable.container6) drop",
            "ct state established,related accept",
            "ct state new ct count over \(Self.mostConnections) \(refusal)",
        ]
        switch reach {
        case .only:
            rules += ["ip", "ip6"].map {
                "\($0) daddr . meta l4proto . th dport @\(prefix)allowed\($0 == "ip" ? 4 : 6) accept"
            }
        case .everythingBut:
            rules += [
                "ip daddr @\(prefix)denied4 \(refusal)", "ip6 daddr @\(prefix)denied6 \(refusal)", "accept",
            ]
        }
        if case .only = reach { rules.append(refusal) }
        return rules.map { "add rule \(Self.table) \(chain) \($0)" }
    }

    private func script(_ lines: [String]) -> String { lines.joined(separator: "\n") + "\n" }
}
