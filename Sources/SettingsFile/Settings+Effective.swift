extension Settings {
    /// Every key with the value in force, as a file that reads back to the same settings. There are no secrets in it:
    /// those lie in files of their own.
    public var effectiveText: String {
        sections.map { name, entries in
            "\(name):\n" + entries.map { key, value in value.isEmpty ? "  \(key):\n" : "  \(key): \(value)\n" }.joined()
        }.joined(separator: "\n")
    }

    private typealias Entries = KeyValuePairs<String, String>

    private var sections: KeyValuePairs<String, Entries> {
        [
            "gateway": [
                "name": quoted(gateway.name), "url": quoted(gateway.url), "host": quoted(gateway.host),
                "port": "\(gateway.port)", "browser_port": "\(gateway.browserPort)",
            ],
            "controller": [
                "socket": quoted(controller.socket), "state": quoted(controller.state), "run": quoted(controller.run),
                "user": quoted(controller.user), "portal_users": quoted(controller.portalUsers),
                "admin_group": quoted(controller.adminGroup), "stress_group": quoted(controller.stressGroup),
                "log_level": controller.logLevel.rawValue,
            ],
            "database": [
                "socket": quoted(database.socket), "host": quoted(database.host), "port": "\(database.port)",
                "name": quoted(database.name), "user": quoted(database.user),
                "password_file": quoted(database.passwordFile), "connections": "\(database.connections)",
                "timeout": written(database.timeout),
            ],
            "ldap": [
                "uris": quoted(ldap.uris), "ca_file": quoted(ldap.caFile), "start_tls": "\(ldap.startTLS)",
                "bind_dn": quoted(ldap.bindDN), "bind_password_file": quoted(ldap.bindPasswordFile),
                "people_base": quoted(ldap.peopleBase), "group_base": quoted(ldap.groupBase),
                "minimum_uid": "\(ldap.minimumUID)", "minimum_gid": "\(ldap.minimumGID)",
                "timeout": written(ldap.timeout),
            ],
            "hosts": [
                "ssh_key": quoted(hosts.sshKey),
                "connect_timeout": written(hosts.connectTimeout),
                "stop_patience": written(hosts.stopPatience),
                "lost_after": written(hosts.lostAfter),
            ],
            "uids": [
                "displays": "{first: \(uids.displays.first), count: \(uids.displays.count)}",
                "shadow": "{first: \(uids.shadow.first), count: \(uids.shadow.count)}",
            ],
            "relay": [
                "listen": quoted(relay.listen.description), "browser_listen": quoted(relay.browserListen?.description),
                "user": quoted(relay.user),
                "certificate": quoted(relay.certificate), "key": quoted(relay.key),
                "direct_certificate": quoted(relay.directCertificate), "direct_key": quoted(relay.directKey),
                "listeners": "[" + relay.listeners.map(written).joined(separator: ", ") + "]",
                "loops": "\(relay.loops)", "tls_timeout": written(relay.tlsTimeout),
                "opening_timeout": written(relay.openingTimeout), "greeting_delay": written(relay.greetingDelay),
                "second_layer_delay": written(relay.secondLayerDelay),
                "leaving_timeout": written(relay.leavingTimeout), "most_connections": "\(relay.mostConnections)",
                "most_per_source": "\(relay.mostPerSource)", "most_opening": "\(relay.mostOpening)",
                "ciphers": quoted(relay.ciphers), "cipher_suites": quoted(relay.cipherSuites),
                "only_tls13": "\(relay.onlyTLS13)",
                "allowed_origins": quoted(relay.allowedOrigins),
            ],
            "web": [
                "socket": quoted(web.socket), "user": quoted(web.user), "novnc": quoted(web.noVNC),
                "quota_listen": quoted(web.quotaListen?.description),
            ],
            "applications": ["folder": quoted(applications.folder)],
            "sessions": [
                "timeout": written(sessions.timeout), "maximum_age": sessions.maximumAge.map(written) ?? "0s",
                "notice": written(sessions.notice), "most_per_user": "\(sessions.mostPerUser)",
                "most_per_application": "\(sessions.mostPerApplication)", "most_viewers": "\(sessions.mostViewers)",
            ],
            "limits": [
                "memory": written(limit: limits.memory),
                "cpu": limits.cpu % 100 == 0 ? "\(limits.cpu / 100)" : "\(Double(limits.cpu) / 100)",
                "cpu_share": "\(limits.cpuShare)", "processes": "\(limits.processes)", "files": "\(limits.files)",
                "temporary": written(mebibytes: limits.temporary), "wall_time": "\(limits.wallTime)s",
            ],
            "network": [
                "denied": quoted(network.denied), "range": quoted(network.range), "range6": quoted(network.range6),
            ],
            "homes": [
                "root": quoted(homes.root), "measure_every": written(homes.measureEvery),
                "soft_limit": written(limit: homes.softLimit), "hard_limit": written(limit: homes.hardLimit),
                "purge": "\(homes.allowsPurge)",
            ],
            "pool": [
                "floor": "\(pool.floor)", "floor_gl": "\(pool.floorGL)", "ceiling": "\(pool.ceiling)",
                "headroom": "\(pool.headroom)",
                "longest_ready": written(pool.longestReady), "memory_reserve": "\(pool.memoryReserve)",
                "makes_at_once": "\(pool.makesAtOnce)",
            ],
            "notify": ["command": quoted(notify.command), "every": written(notify.every)],
        ]
    }
}

/// `text` as a YAML scalar: plain where that is certain to read back, else in double quotes. Nil is written as nothing.
private func quoted(_ text: String?) -> String {
    guard let text else { return "" }
    let isPlain =
        text.first.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "/") } == true
        && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/._-@ =".contains($0)) }
        && !text.hasSuffix(" ") && text != "null"
    if isPlain { return text }
    return "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
}

private func written(limit: Int) -> String { limit == 0 ? "0" : written(mebibytes: limit) }

private func quoted(_ texts: [String]) -> String { "[" + texts.map { quoted($0) }.joined(separator: ", ") + "]" }

private func written(_ listener: Settings.Relay.Listener) -> String {
    "{address: \(quoted(listener.address.description)), greeting: \(listener.greetsInRFB ? "rfb" : "none")}"
}
