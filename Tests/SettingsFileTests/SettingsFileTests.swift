import Glibc
import SessionModel
import Testing

@testable import SettingsFile

@Suite("maxwell.yaml")
struct SettingsFileTests {
    @Test("an empty file means the defaults")
    func emptyFile() throws {
        #expect(try Settings.parse("") == .standard)
        #expect(try Settings.parse("# nothing\n") == .standard)
        #expect(Settings.standard.relay.listen.description == "[::]:563")
        #expect(Settings.standard.sessions.timeout == .seconds(86400))
        #expect(Settings.standard.sessions.maximumAge == nil)
        #expect(Settings.standard.sessions.notice == .seconds(300))
        #expect(Settings.standard.hosts.lostAfter == .seconds(86400))
        #expect(Settings.standard.controller.state == "/var/lib/maxwell")
    }

    @Test("every program finds the file where $MAXWELL_CONFIG says, else in /etc")
    func standardPath() {
        #expect(unsetenv("MAXWELL_CONFIG") == 0)
        #expect(SettingsPath.standard() == "/etc/maxwell/maxwell.yaml")
        #expect(setenv("MAXWELL_CONFIG", "/srv/maxwell.yaml", 1) == 0)
        #expect(SettingsPath.standard() == "/srv/maxwell.yaml")
        #expect(unsetenv("MAXWELL_CONFIG") == 0)
    }

    @Test("the sample is all comments, and uncommented it has every key at its default")
    func sample() throws {
        let text = try readText(path: sampleFolder + "/maxwell.yaml")
        #expect(try Settings.parse(text) == .standard)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let uncommented = lines.map {
            $0.hasPrefix("#") && (!$0.hasPrefix("# ") || $0.hasPrefix("#  ")) ? $0.dropFirst() : $0
        }
        let sample = uncommented.joined(separator: "\n")
        #expect(try Settings.parse(sample) == .standard)
        let shown = try keys(of: sample)
        #expect(shown.filter { !keysAsked().contains($0) } == [])
        #expect(keysAsked().filter { !shown.contains($0) } == [])
    }

    @Test("the manual has every key")
    func manual() throws {
        let page = try readText(path: sampleFolder + "/../docs/man/maxwell.yaml.5")
        for key in keysAsked() {
            // Sections in sections are told as one.
            let name = key.split(separator: ".").prefix(2).joined(separator: ".")
            #expect(page.contains(".BR \(name) "), "\(name)")
        }
    }

    @Test("what is in force reads back to the same settings, with every key", arguments: ["", changed])
    func effectiveText(text: String) throws {
        let settings = try Settings.parse(text)
        #expect(try Settings.parse(settings.effectiveText) == settings)
        #expect(try keys(of: settings.effectiveText) == keysAsked())
    }

    @Test("each value lands where it belongs")
    func values() throws {
        let settings = try Settings.parse(changed)
        #expect(settings.gateway.name == "hub: \"one\" \\ two")
        #expect(settings.database.host == "db.example.org")
        #expect(settings.database.socket == nil)
        #expect(settings.database.passwordFile == "/etc/maxwell/db password")
        #expect(settings.ldap.uris == ["ldaps://a.example.org", "ldap://b.example.org:1389"])
        #expect(settings.ldap.startTLS == false)
        #expect(settings.controller.portalUsers.isEmpty)
        #expect(settings.controller.state == "/srv/maxwell/state")
        #expect(settings.controller.stressGroup == "load-testers")
        #expect(Settings.standard.controller.stressGroup == nil)
        #expect(settings.hosts.stopPatience == .milliseconds(1500))
        #expect(settings.hosts.lostAfter == .seconds(3600))
        #expect(settings.uids.displays.uids == 3_000_000...3_000_009)
        #expect(settings.relay.listen == ListenAddress("127.0.0.1:10563"))
        #expect(settings.relay.browserListen == nil)
        #expect(settings.gateway.browserPort == 443)
        #expect(settings.sessions.timeout == .seconds(7 * 86400))
        #expect(settings.sessions.maximumAge == .seconds(30 * 86400))
        #expect(settings.sessions.notice == .seconds(90))
        #expect(settings.sessions.mostPerUser == 3)
        #expect(settings.sessions.mostPerApplication == 200)
        #expect(settings.sessions.mostViewers == 0)
        #expect(settings.pool.longestReady == .seconds(3600))
        #expect(settings.pool.makesAtOnce == 8)
        #expect(settings.notify.command == ["/usr/bin/mail", "-s", "no \"host\": at all", ""])
        #expect(settings.notify.every == .seconds(60))
    }

    @Test("no maximum age is written 0s, 0 or nothing", arguments: ["0s", "0", ""])
    func noMaximumAge(text: String) throws {
        #expect(try Settings.parse("sessions: {maximum_age: \(text)}").sessions.maximumAge == nil)
    }

    @Test("the pool's rules are those of the kind that is asked for")
    func poolRules() throws {
        #expect(Settings.standard.pool.rules(withGL: false) == PoolPlan.Rules())
        let pool = try Settings.parse(changed).pool
        #expect(
            pool.rules(withGL: false)
                == PoolPlan.Rules(floor: 10, headroom: 2.25, perDisplayMemory: 16, memoryReserve: 1024))
        #expect(
            pool.rules(withGL: true)
                == PoolPlan.Rules(floor: 0, headroom: 2.25, perDisplayMemory: 26, memoryReserve: 1024))
    }

    @Test("--print-effective shows the keys of the pool, of who is told, and of the limits")
    func effectiveKeys() {
        let text = Settings.standard.effectiveText
        for lines in [
            "sessions:\n  timeout: 24h\n  maximum_age: 0s\n  notice: 5m\n  most_per_user: 0\n  most_per_application: 0\n"
                + "  most_viewers: 50\n",
            "pool:\n  floor: 2\n  floor_gl: 2\n  ceiling: 200\n  headroom: 1.5\n  longest_ready: 12h\n  memory_reserve: 512\n"
                + "  makes_at_once: 2\n",
            "notify:\n  command: []\n  every: 10m\n",
        ] { #expect(text.contains(lines), "\(text)") }
    }

    @Test("mistakes in the pool and in who is told come with their lines")
    func poolMistakes() {
        let text = """
            pool:
              floor: -1
              flor_gl: 2
              headroom: 0.5
              makes_at_once: 0
            notify:
              command: [mail, root]
              evry: 10m
            sessions:
              most_per_user: many
            """
        #expect(
            mistakes(in: text) == [
                "maxwell.yaml:2: pool.floor: expected 0-1000, found -1",
                "maxwell.yaml:3: pool.flor_gl: unknown key, did you mean floor_gl?",
                "maxwell.yaml:4: pool.headroom: expected a number from 1 to 100 such as 1.5, found 0.5",
                "maxwell.yaml:5: pool.makes_at_once: expected 1-64, found 0",
                "maxwell.yaml:7: notify.command: expected a program's absolute path first, found mail",
                "maxwell.yaml:8: notify.evry: unknown key, did you mean every?",
                "maxwell.yaml:10: sessions.most_per_user: expected 0-1000000, found many",
            ])
    }

    @Test("every mistake is told at once, each with its line")
    func everyMistake() {
        let text = """
            gateway:
              port: 80443
              nmae: hub
            relay:
              listen: 563
              loops: many
              loops: 2
            database: {timeout: 5, socket: /a, host: b}
            ldpa: {}
            uids:
              shadow: {first: 2000010}
            web:
              - list
            """
        #expect(
            mistakes(in: text) == [
                "maxwell.yaml:2: gateway.port: expected 1-65535, found 80443",
                "maxwell.yaml:3: gateway.nmae: unknown key, did you mean name?",
                "maxwell.yaml:5: relay.listen: expected ADDRESS:PORT such as [::]:563, found 563",
                "maxwell.yaml:7: relay.loops: given twice, first in line 6",
                "maxwell.yaml:8: database.host: expected either socket or host, found both",
                "maxwell.yaml:8: database.timeout: expected a time such as 5s, 10m or 24h, found 5",
                "maxwell.yaml:9: ldpa: unknown key, did you mean ldap?",
                "maxwell.yaml:11: uids.shadow: expected ids apart from uids.displays (2000000-2065535), found "
                    + "2000010-2001009",
                "maxwell.yaml:13: web: expected keys and values, found a list",
            ])
    }

    @Test(
        "a value that cannot be meant is a mistake",
        arguments: [
            ("controller: {socket: run/x}", "controller.socket: expected an absolute path of at most 107 bytes"),
            ("controller: {run: /var/../etc}", "controller.run: expected an absolute path"),
            ("controller: {log_level: loud}", "controller.log_level: expected one of trace, debug"),
            ("controller: {portal_users: www-data}", "controller.portal_users: expected a list such as [a, b]"),
            ("ldap: {uris: [http://x]}", "ldap.uris: expected an address such as ldap://ldap.example.org"),
            ("ldap: {uris: []}", "ldap.uris: expected at least one address, found none"),
            ("ldap: {start_tls: yes}", "ldap.start_tls: expected true or false, found yes"),
            ("ldap: {bind_dn: 'cn=a'}", "ldap.bind_dn: expected a bind_password_file with it, found none"),
            ("sessions: {timeout: 0s}", "sessions.timeout: expected a time such as 5s, 10m or 24h, found 0s"),
            ("sessions: {timeout: 99999999999999999999d}", "sessions.timeout: expected a time"),
            (
                "sessions: {maximum_age: 500ms}",
                "sessions.maximum_age: expected a time of 1s or more such as 12h or 7d, or 0s for no limit, found 500ms"
            ),
            ("sessions: {maximum_age: never}", "sessions.maximum_age: expected a time of 1s or more such as 12h"),
            ("sessions: {maximum_age: 00}", "sessions.maximum_age: expected a time of 1s or more such as 12h"),
            ("sessions: {notice: 0s}", "sessions.notice: expected a time of 1s or more such as 10m or 24h, found 0s"),
            ("hosts: {lost_after: 0}", "hosts.lost_after: expected a time of 1s or more such as 10m or 24h, found 0"),
            ("hosts: {lost_after: 999ms}", "hosts.lost_after: expected a time of 1s or more"),
            ("controller: {state: var/lib}", "controller.state: expected an absolute path, found var/lib"),
            ("sessions: {most_per_application: 1000001}", "sessions.most_per_application: expected 0-1000000"),
            ("pool: {floor_gl: 1001}", "pool.floor_gl: expected 0-1000, found 1001"),
            ("pool: {headroom: nan}", "pool.headroom: expected a number from 1 to 100 such as 1.5, found nan"),
            ("pool: {headroom: 1e1}", "pool.headroom: expected a number from 1 to 100 such as 1.5, found 1e1"),
            ("pool: {headroom: 1.}", "pool.headroom: expected a number from 1 to 100 such as 1.5, found 1."),
            ("pool: {headroom: 100.1}", "pool.headroom: expected a number from 1 to 100"),
            ("pool: {longest_ready: 59s}", "pool.longest_ready: expected a time of 1m or more such as 12h, found 59s"),
            ("pool: {memory_reserve: 1G}", "pool.memory_reserve: expected 0-1000000, found 1G"),
            ("notify: {command: /usr/bin/mail}", "notify.command: expected a list such as [a, b]"),
            ("notify: {command: [\"/bin/a\", \"b\\nc\"]}", "notify.command: expected one line of text"),
            ("uids: {displays: {first: 500, count: 10}}", "uids.displays: expected ids from ldap's minimum_uid"),
            ("uids: {displays: {first: 60000}}", "uids.displays: expected ids without 65534"),
            ("uids: {shadow: {first: 4294967000}}", "uids.shadow.count: expected at most 295, found 1000"),
            ("relay: {listen: '::1:563'}", "relay.listen: expected ADDRESS:PORT"),
            ("relay: {listen: '[::1]:0'}", "relay.listen: expected ADDRESS:PORT"),
            ("relay: ]", "not YAML: "),
            ("just text", "expected keys and values, found just text"),
        ])
    func impossibleValue(text: String, problem: String) {
        let found = mistakes(in: text)
        #expect(found.count == 1, "\(found)")
        #expect(found.first?.hasPrefix("maxwell.yaml:1: \(problem)") == true, "\(found)")
    }

    @Test("neither a socket nor a host is a mistake")
    func noDatabase() {
        #expect(
            mistakes(in: "database:\n  socket:\n") == [
                "maxwell.yaml:2: database.socket: expected a socket or a host, found neither"
            ])
    }

    @Test("a file that is not there is told with its path")
    func missingFile() {
        #expect(throws: SettingsErrors.self) { try Settings.load(path: "/nonexistent/maxwell.yaml") }
        do {
            _ = try Settings.load(path: "/nonexistent/maxwell.yaml")
        } catch {
            #expect(error.description == "/nonexistent/maxwell.yaml: cannot be read: No such file or directory")
            #expect(error.exitStatus == .configuration)
        }
    }

    private func keysAsked() -> [String] {
        let findings = Findings(file: "")
        _ = Settings(reading: nil, findings: findings)
        return findings.asked.sorted()
    }

    private func mistakes(in text: String) -> [String] {
        do {
            _ = try Settings.parse(text)
            return []
        } catch {
            return error.mistakes.map(\.description)
        }
    }
}

private let changed = #"""
    gateway: {name: "hub: \"one\" \\ two", port: 10563, browser_port: 443}
    database: {host: db.example.org, password_file: /etc/maxwell/db password}
    ldap: {uris: ["ldaps://a.example.org", "ldap://b.example.org:1389"], start_tls: false, people_base: "ou=a, dc=b"}
    controller: {portal_users: [], state: /srv/maxwell/state, stress_group: load-testers}
    hosts: {stop_patience: 1500ms, lost_after: 60m}
    uids: {displays: {first: 3000000, count: 10}}
    relay: {listen: "127.0.0.1:10563", browser_listen: , allowed_origins: [https://hub.example.org]}
    sessions: {timeout: 7d, maximum_age: 30d, notice: 90s, most_per_user: 3, most_per_application: 200, most_viewers: 0}
    pool: {floor: 10, floor_gl: 0, headroom: 2.25, longest_ready: 60m, memory_reserve: 1024, makes_at_once: 8}
    notify: {command: [/usr/bin/mail, -s, 'no "host": at all', ''], every: 60s}
    """#
