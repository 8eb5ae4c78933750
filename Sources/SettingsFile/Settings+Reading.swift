import SessionModel
import Yams

extension Settings {
    /// Reads `text`, throwing every mistake at once; `file` is what the mistakes call it.
    public static func parse(_ text: String, file: String = "maxwell.yaml") throws(SettingsErrors) -> Settings {
        let findings = Findings(file: file)
        let settings = Settings(reading: compose(text, findings: findings), findings: findings)
        if !findings.mistakes.isEmpty { throw SettingsErrors(findings.mistakes) }
        return settings
    }

    init(reading root: Node?, findings: Findings) {
        var top = Section(root, at: "", findings: findings)
        gateway = Gateway(reading: top.section("gateway"))
        controller = Controller(reading: top.section("controller"))
        database = Database(reading: top.section("database"))
        ldap = LDAP(reading: top.section("ldap"))
        hosts = Hosts(reading: top.section("hosts"))
        uids = UIDs(reading: top.section("uids"), above: max(ldap.minimumUID, ldap.minimumGID))
        relay = Relay(reading: top.section("relay"))
        web = Web(reading: top.section("web"))
        applications = Applications(reading: top.section("applications"))
        sessions = Sessions(reading: top.section("sessions"))
        limits = ResourceLimits(reading: top.section("limits"), standard: .standard)
        network = Network(reading: top.section("network"))
        homes = Homes(reading: top.section("homes"))
        pool = Pool(reading: top.section("pool"))
        notify = Notify(reading: top.section("notify"))
        top.finish()
    }
}

extension Settings.Gateway {
    init(reading section: Section) {
        var section = section
        name = section.text("name", "maxwell")
        url = section.value("url", "https://localhost", expected: "an address such as https://hub.example.org") {
            ($0.hasPrefix("https://") || $0.hasPrefix("http://")) && isWord($0) ? $0 : nil
        }
        host = section.value("host", "localhost", expected: "a host name or address") { isWord($0) ? $0 : nil }
        port = section.number("port", 563, in: 1...65535)
        browserPort = section.number("browser_port", 8443, in: 1...65535)
        section.finish()
    }
}

extension Settings.Controller {
    init(reading section: Section) {
        var section = section
        socket = section.socket("socket", "/run/maxwell/control.sock")
        state = section.path("state", "/var/lib/maxwell")
        run = section.path("run", "/run/maxwell")
        user = section.word("user", "maxwell")
        portalUsers = section.list("portal_users", ["www-data"], expected: "an account's name", accountName)
        adminGroup = section.word("admin_group", "maxwell-admin")
        stressGroup = section.optional("stress_group", nil, expected: "a name", accountName)
        let levels = LogLevel.allCases.map(\.rawValue).joined(separator: ", ")
        logLevel = section.value("log_level", .info, expected: "one of \(levels)") { LogLevel(rawValue: $0) }
        section.finish()
    }
}

extension Settings.Database {
    init(reading section: Section) {
        var section = section
        if section.gives("socket"), section.gives("host") {
            section.note("host", "expected either socket or host, found both")
        }
        let path = section.optional(
            "socket", "/run/mysqld/mysqld.sock", expected: "an absolute path of at most 107 bytes", socketPath)
        host = section.optional("host", nil, expected: "a host name or address") { isWord($0) ? $0 : nil }
        socket = host == nil ? path : nil
        if socket == nil, host == nil { section.note("socket", "expected a socket or a host, found neither") }
        port = section.number("port", 3306, in: 1...65535)
        name = section.word("name", "maxwell")
        user = section.word("user", "maxwell")
        passwordFile = section.optional("password_file", nil, expected: "an absolute path", absolutePath)
        connections = section.number("connections", 4, in: 1...64)
        timeout = section.duration("timeout", .seconds(5))
        section.finish()
    }
}

extension Settings.LDAP {
    init(reading section: Section) {
        var section = section
        uris = section.list(
            "uris", ["ldap://127.0.0.1"], expected: "an address such as ldap://ldap.example.org", directoryAddress)
        if uris.isEmpty { section.note("uris", "expected at least one address, found none") }
        caFile = section.path("ca_file", "/etc/ssl/certs/ca-certificates.crt")
        startTLS = section.truth("start_tls", true)
        bindDN = section.optional("bind_dn", nil, expected: "a distinguished name", distinguishedName)
        bindPasswordFile = section.optional("bind_password_file", nil, expected: "an absolute path", absolutePath)
        if bindDN != nil, bindPasswordFile == nil {
            section.note("bind_dn", "expected a bind_password_file with it, found none")
        } else if bindDN == nil, bindPasswordFile != nil {
            section.note("bind_password_file", "expected a bind_dn with it, found none")
        }
        peopleBase = section.value(
            "people_base", "ou=people,dc=example,dc=org", expected: "a distinguished name", distinguishedName)
        groupBase = section.value(
            "group_base", "ou=groups,dc=example,dc=org", expected: "a distinguished name", distinguishedName)
        minimumUID = section.id("minimum_uid", 1000)
        minimumGID = section.id("minimum_gid", 1000)
        timeout = section.duration("timeout", .seconds(5))
        section.finish()
    }
}

extension Settings.Hosts {
    init(reading section: Section) {
        var section = section
        sshKey = section.path("ssh_key", "/var/lib/maxwell/ssh/id_ed25519")
        connectTimeout = section.duration("connect_timeout", .seconds(5))
        stopPatience = section.duration("stop_patience", .seconds(5))
        lostAfter = section.seconds("lost_after", .seconds(86400))
        section.finish()
    }
}

extension Settings.UIDs {
    init(reading section: Section, above minimum: UInt32) {
        var section = section
        displays = UIDRange(reading: section.section("displays"), first: 2_000_000, count: 65536)
        shadow = UIDRange(reading: section.section("shadow"), first: 2_100_000, count: 1000)
        for (key, range) in [("displays", displays), ("shadow", shadow)] where range.first < minimum {
            section.note(key, "expected ids from ldap's minimum_uid and minimum_gid up, found \(range.first)")
        }
        for (key, range) in [("displays", displays), ("shadow", shadow)] where range.uids.contains(65534) {
            section.note(key, "expected ids without 65534, which is nobody")
        }
        if displays.uids.overlaps(shadow.uids) {
            section.note(
                "shadow",
                "expected ids apart from uids.displays (\(displays.first)-\(displays.last)), found "
                    + "\(shadow.first)-\(shadow.last)")
        }
        section.finish()
    }
}

extension UIDRange {
    init(reading section: Section, first: UInt32, count: UInt32) {
        var section = section
        self.first = section.id("first", first)
        let asked = UInt32(section.number("count", Int(count), in: 1...1_000_000))
        let most = UInt32.max - self.first
        if asked > most { section.note("count", "expected at most \(most), found \(asked)") }
        self.count = Swift.max(1, Swift.min(asked, most))
        section.finish()
    }
}

extension Settings.Relay {
    init(reading section: Section) {
        var section = section
        listen = section.value(
            "listen", ListenAddress(host: "::", port: 563), expected: "ADDRESS:PORT such as [::]:563",
            ListenAddress.init)
        browserListen = section.optional(
            "browser_listen", ListenAddress(host: "::", port: 8443), expected: "ADDRESS:PORT such as [::]:8443",
            ListenAddress.init)
        listeners = section.sections("listeners").compactMap(Listener.init(reading:))
        user = section.word("user", "maxwell-relay")
        certificate = section.path("certificate", "/etc/maxwell/tls/relay.crt")
        key = section.path("key", "/etc/maxwell/tls/relay.key")
        directCertificate = section.path("direct_certificate", "/etc/maxwell/tls/direct.crt")
        directKey = section.path("direct_key", "/etc/maxwell/tls/direct.key")
        loops = section.number("loops", 1, in: 1...64)
        tlsTimeout = section.seconds("tls_timeout", .seconds(10))
        openingTimeout = section.seconds("opening_timeout", .seconds(10))
        greetingDelay = section.value(
            "greeting_delay", .milliseconds(2500), expected: "a time of 1500ms or more",
            { text in
                duration(text).flatMap { $0 < .milliseconds(1500) ? nil : $0 }
            })
        secondLayerDelay = section.duration("second_layer_delay", .milliseconds(300))
        leavingTimeout = section.seconds("leaving_timeout", .seconds(86400))
        mostConnections = section.limit("most_connections", 0)
        mostPerSource = section.limit("most_per_source", 2000)
        mostOpening = section.number("most_opening", 1000, in: 1...1_000_000)
        ciphers = section.text("ciphers", "ECDHE+AESGCM:ECDHE+CHACHA20")
        cipherSuites = section.text(
            "cipher_suites", "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256")
        onlyTLS13 = section.truth("only_tls13", false)
        allowedOrigins = section.list("allowed_origins", [], expected: "an origin such as https://hub.example.org") {
            ($0.hasPrefix("https://") || $0.hasPrefix("http://")) && isWord($0) && !$0.hasSuffix("/") ? $0 : nil
        }
        section.finish()
    }
}

extension Settings.Relay.Listener {
    init?(reading section: Section) {
        var section = section
        let address = section.required("address", expected: "ADDRESS:PORT such as [::]:5900", ListenAddress.init)
        greetsInRFB = section.value("greeting", false, expected: "rfb or none") { text in
            ["rfb": true, "none": false][text]
        }
        section.finish()
        guard let address else { return nil }
        self.address = address
    }
}

extension Settings.Web {
    init(reading section: Section) {
        var section = section
        socket = section.socket("socket", "/run/maxwell/web.sock")
        user = section.word("user", "maxwell-web")
        noVNC = section.path("novnc", "/usr/share/novnc")
        quotaListen = section.optional(
            "quota_listen", nil, expected: "ADDRESS:PORT such as 127.0.0.1:300", ListenAddress.init)
        section.finish()
    }
}

extension Settings.Applications {
    init(reading section: Section) {
        var section = section
        folder = section.path("folder", "/etc/maxwell/apps.d")
        section.finish()
    }
}

extension Settings.Sessions {
    init(reading section: Section) {
        var section = section
        timeout = section.duration("timeout", .seconds(86400))
        maximumAge = section.age("maximum_age").flatMap { $0 == .zero ? nil : $0 }
        notice = section.seconds("notice", .seconds(300))
        mostPerUser = section.limit("most_per_user", 0)
        mostPerApplication = section.limit("most_per_application", 0)
        mostViewers = section.limit("most_viewers", 50)
        section.finish()
    }
}

extension Settings.Network {
    init(reading section: Section) {
        var section = section
        denied = section.list("denied", [], expected: "an address or network such as 10.1.0.0/16", networkAddress)
        range = section.value("range", "10.231.0.0/16", expected: "an IPv4 network of at most 20 bits") {
            Self.network($0, bits: 0...20, isSix: false)
        }
        range6 = section.value("range6", "fd00:6d77:7e11::/64", expected: "an IPv6 network of at most 64 bits") {
            Self.network($0, bits: 0...64, isSix: true)
        }
        section.finish()
    }

    private static func network(_ text: String, bits: ClosedRange<Int>, isSix: Bool) -> String? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, text.contains(":") == isSix, number(parts[1], in: bits) != nil else { return nil }
        return networkAddress(text)
    }
}

extension Settings.Homes {
    init(reading section: Section) {
        var section = section
        root = section.optional("root", nil, expected: "an absolute path") { text in
            let parts = text.split(separator: "/")
            guard absolutePath(text) != nil, !parts.isEmpty, !text.contains(":") else { return nil }
            return "/" + parts.joined(separator: "/")
        }
        measureEvery = section.seconds("measure_every", .seconds(600))
        softLimit = section.size("soft_limit", 0)
        hardLimit = section.size("hard_limit", 0)
        allowsPurge = section.truth("purge", false)
        section.finish()
    }
}

extension Settings.Pool {
    init(reading section: Section) {
        var section = section
        floor = section.number("floor", 2, in: 0...1000)
        floorGL = section.number("floor_gl", 2, in: 0...1000)
        ceiling = section.number("ceiling", 200, in: 0...10_000)
        headroom = section.value("headroom", 1.5, expected: "a number from 1 to 100 such as 1.5") {
            decimal($0, in: 1...100)
        }
        longestReady = section.value("longest_ready", .seconds(43200), expected: "a time of 1m or more such as 12h") {
            duration($0).flatMap { $0 < .seconds(60) ? nil : $0 }
        }
        memoryReserve = section.number("memory_reserve", 512, in: 0...1_000_000)
        makesAtOnce = section.number("makes_at_once", 2, in: 1...64)
        section.finish()
    }
}

extension Settings.Notify {
    init(reading section: Section) {
        var section = section
        command = section.list("command", [], expected: "one line of text") { $0.isEmpty || isLine($0) ? $0 : nil }
        if let program = command.first, absolutePath(program) == nil {
            section.note("command", "expected a program's absolute path first, found \(program.prefix(60))")
        }
        every = section.duration("every", .seconds(600))
        section.finish()
    }
}
