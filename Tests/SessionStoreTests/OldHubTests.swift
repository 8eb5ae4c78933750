import SessionModel
import SessionStore
import Testing

/// A hub's database as it was before the portal's migrations of 2012–2023: MyISAM, and what came later missing.
private let oldHub = """
    CREATE TABLE display (hostname varchar(40) NOT NULL DEFAULT '', dispnum int(11) DEFAULT 0,
      geometry varchar(9) DEFAULT '0', depth int(11) DEFAULT 0, sessnum bigint(20) DEFAULT 0,
      vncpass varchar(16) NOT NULL DEFAULT '', status varchar(20) NOT NULL DEFAULT '') ENGINE=MyISAM;
    CREATE TABLE fileperm (sessnum bigint(20) NOT NULL, fileuser varchar(32) NOT NULL, fwhost varchar(40) NOT NULL,
      fwport smallint(5) unsigned NOT NULL, cookie varchar(16) NOT NULL, PRIMARY KEY (sessnum, fileuser)) ENGINE=MyISAM;
    CREATE TABLE host (hostname varchar(40) NOT NULL, provisions bigint(20) unsigned NOT NULL DEFAULT 0,
      status varchar(20) NOT NULL, uses smallint(5) unsigned NOT NULL DEFAULT 0, portbase int(11) NOT NULL,
      PRIMARY KEY (hostname)) ENGINE=MyISAM;
    CREATE TABLE hosttype (name varchar(40) NOT NULL, value bigint(20) unsigned NOT NULL, description varchar(255),
      PRIMARY KEY (name)) ENGINE=MyISAM;
    CREATE TABLE job (sessnum bigint(20) unsigned NOT NULL, jobid bigint(20) unsigned NOT NULL AUTO_INCREMENT,
      superjob bigint(20) unsigned NOT NULL, username varchar(32) NOT NULL, event varchar(40) NOT NULL,
      ncpus smallint(5) unsigned NOT NULL, venue varchar(80) NOT NULL, start datetime NOT NULL,
      heartbeat datetime NOT NULL, UNIQUE KEY jobid (jobid)) ENGINE=MyISAM;
    CREATE TABLE joblog (sessnum bigint(20) unsigned NOT NULL, job int(10) unsigned NOT NULL,
      superjob bigint(20) unsigned NOT NULL, event varchar(40) NOT NULL, start datetime NOT NULL,
      walltime double unsigned, cputime double unsigned, ncpus smallint(5) unsigned NOT NULL,
      status smallint(5) unsigned, venue varchar(80) NOT NULL, PRIMARY KEY (sessnum, job, event, venue)) ENGINE=MyISAM;
    CREATE TABLE session (sessnum bigint(20) unsigned NOT NULL AUTO_INCREMENT, username varchar(32) NOT NULL,
      remoteip varchar(40) NOT NULL, exechost varchar(40) NOT NULL, dispnum int(10) unsigned, start datetime NOT NULL,
      accesstime datetime NOT NULL, timeout int(11) DEFAULT 86400, appname varchar(80) NOT NULL,
      sessname varchar(100) NOT NULL, sesstoken varchar(32) NOT NULL, PRIMARY KEY (sessnum)) ENGINE=MyISAM;
    CREATE TABLE sessionlog (sessnum bigint(20) unsigned NOT NULL, username varchar(32) NOT NULL,
      remoteip varchar(40) NOT NULL, remotehost varchar(40) NOT NULL, exechost varchar(40) NOT NULL,
      dispnum int(10) unsigned, start datetime NOT NULL, appname varchar(80) NOT NULL, walltime double unsigned,
      viewtime double unsigned, cputime double unsigned, status smallint(5) unsigned, PRIMARY KEY (sessnum)) ENGINE=MyISAM;
    CREATE TABLE sessionpriv (privid bigint(20) unsigned NOT NULL AUTO_INCREMENT, sessnum bigint(20) unsigned NOT NULL,
      privilege varchar(40) NOT NULL, start datetime NOT NULL, PRIMARY KEY (privid)) ENGINE=MyISAM;
    CREATE TABLE view (viewid bigint(20) unsigned NOT NULL AUTO_INCREMENT, sessnum bigint(20) unsigned NOT NULL,
      username varchar(32) NOT NULL, remoteip varchar(40) NOT NULL, start datetime NOT NULL,
      heartbeat datetime NOT NULL, PRIMARY KEY (viewid)) ENGINE=MyISAM;
    CREATE TABLE viewlog (sessnum bigint(20) unsigned NOT NULL, username varchar(32) NOT NULL,
      remoteip varchar(40) NOT NULL, remotehost varchar(40) NOT NULL, time datetime NOT NULL,
      duration float unsigned) ENGINE=MyISAM;
    CREATE TABLE viewperm (sessnum bigint(20) unsigned NOT NULL, viewuser varchar(32) NOT NULL,
      viewtoken varchar(32) NOT NULL, geometry varchar(9) NOT NULL DEFAULT '0', fwhost varchar(40) NOT NULL,
      fwport smallint(5) unsigned NOT NULL, vncpass varchar(16) NOT NULL, readonly varchar(4) NOT NULL DEFAULT 'Yes',
      PRIMARY KEY (sessnum, viewuser)) ENGINE=MyISAM;
    CREATE TABLE jos_tool_version (id int(10) NOT NULL AUTO_INCREMENT, toolname varchar(64) NOT NULL,
      instance varchar(31) NOT NULL, title varchar(127) NOT NULL, revision int(11), state int(11) NOT NULL,
      vnc_geometry varchar(31), vnc_depth int(11), vnc_timeout int(11), vnc_command varchar(100), mw varchar(31),
      params text, PRIMARY KEY (id)) ENGINE=MyISAM;
    CREATE TABLE jos_tool_version_hostreq (tool_version_id int(11) NOT NULL, hostreq varchar(255) NOT NULL) ENGINE=MyISAM;

    INSERT INTO host VALUES ('old1', 3, 'up', 2, 5900);
    INSERT INTO hosttype VALUES ('sessions', 1, ''), ('special', 64, '');
    INSERT INTO display VALUES ('old1', 1, '800x600', 24, 11, 'aaaa', 'used'), ('old1', 1, '800x600', 24, 0, '', 'absent'),
      ('old1', 2, '800x600', 24, 0, '', 'ready');
    INSERT INTO session VALUES (11, 'carol', '10.0.0.9', 'old1', 1, NOW(), NOW(), 86400, 'tool_r2', 'Tool', 'abc');
    INSERT INTO sessionlog VALUES (10, 'carol', '10.0.0.9', '', 'old1', 1, '0000-00-00 00:00:00', 'tool_r2', 5, 4, 3, 0);
    INSERT INTO jos_tool_version VALUES
      (1, 'xterm', 'xterm_r1', 'Terminal', 1, 1, '780x600', 24, 7200, '/apps/xterm/r1/middleware/invoke -T r1', 'narwhal', ''),
      (2, 'gone', 'gone_r1', 'Gone', 1, 0, '780x600', 24, 7200, '/apps/gone', 'narwhal', ''),
      (3, 'odd', 'odd_dev', '', NULL, 3, 'large', 0, 0, '/apps/odd', 'narwhal', NULL);
    INSERT INTO jos_tool_version_hostreq VALUES (1, 'sessions'), (1, 'special');
    """

@Suite("a database that an existing hub made")
struct OldHubTests {
    @Test(
        "gets what it lacks, keeps engine and rows, and carries a session from start to stop",
        arguments: [
            ("utf8mb3", "utf8mb3_general_ci"), ("latin1", "latin1_swedish_ci"), ("utf8mb4", "utf8mb4_unicode_ci"),
        ])
    func wholeLife(characterSet: String, collation: String) async throws {
        let database = try TestDatabase(characterSet: characterSet, collation: collation)
        try database.sql(oldHub)
        _ = try await database.store.migrate()
        #expect(try await database.store.migrate().isEmpty)

        #expect(
            try database.cell(
                "SELECT engine FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'session'"
            ) == "MyISAM")
        #expect(try database.cell("SELECT COUNT(*) FROM hosttype") == "2")
        #expect(
            try database.sql("SELECT dispnum, sessnum FROM display ORDER BY dispnum") == [["1", "11"], ["2", "0"]])
        #expect(try database.cell("SELECT walltime FROM sessionlog WHERE sessnum = 10") == "5")

        let host = try #require(try await database.store.hosts().first)
        #expect(host.name.text == "old1")
        #expect(host.uses == 2)
        #expect(host.firstDisplay == 1)
        #expect(host.access == nil)

        try await database.store.addHost(.node1())
        let session = try await database.running()
        #expect(session > SessionNumber(11))
        #expect(
            try database.sql(
                "SELECT s.sessnum FROM viewperm v JOIN session s ON v.sessnum = s.sessnum WHERE v.viewuser = 'alice'")
                == [["\(session)"]])

        let token = Secret.token()
        try await database.store.mintToken(
            token, session: session, user: .alice, mode: .act, kind: .view, seconds: nil, once: false)
        #expect(try await database.store.resolve(token: token)?.session == session)
        let view = try await database.store.openView(
            session: session, user: .alice, mode: .act, kind: .view, address: "10.2.3.4")
        #expect(try await database.store.beatViews([(view: view, age: 0)]).isEmpty)

        let shared = "0123456789abcdef0123456789abcdef"
        try database.share(session, with: "bob", token: shared, readOnly: true)
        #expect(try await database.store.resolve(token: Secret(shared))?.mode == .watch)
        try database.sql("DELETE FROM viewperm WHERE viewuser = 'bob'")
        #expect(try await database.store.resolve(token: Secret(shared)) == nil)

        try await database.store.closeView(view, seconds: 3)
        let record = try #require(try await database.store.beginEnd(session, reason: "stopped"))
        try await database.store.finishEnd(session, accounts: .some, failedStart: false)
        try await database.store.releaseDisplay(record.displayNumber, key: linkKey, on: record.host)
        #expect(
            try database.sql("SELECT walltime, viewtime, cputime FROM sessionlog WHERE sessnum = \(session)") == [
                ["12.5", "3", "3.25"]
            ])
        #expect(try database.sql("SELECT sessnum FROM session") == [["11"]])
        #expect(try database.cell("SELECT COUNT(*) FROM viewlog") == "1")
        #expect(try database.cell("SELECT status FROM display WHERE hostname = 'node1'") == "absent")
        try await database.store.recountUses()
        #expect(
            try database.sql("SELECT hostname, uses FROM host ORDER BY hostname") == [["node1", "0"], ["old1", "2"]])
    }

    @Test("its published and its developers' applications are found, with what they ask of a host")
    func applications() async throws {
        let database = try TestDatabase()
        try database.sql(oldHub)
        let xterm = try #require(try await database.store.portalApplication(ApplicationName("xterm_r1")))
        #expect(xterm.command == "/apps/xterm/r1/middleware/invoke -T r1")
        #expect(xterm.geometry.description == "780x600")
        #expect(xterm.timeout == 7200)
        #expect(xterm.hostRequirements == ["sessions", "special"])
        #expect(try await database.store.portalApplication(ApplicationName("gone_r1")) == nil)
        let all = try await database.store.portalApplications()
        #expect(all.map(\.name.text) == ["odd_dev", "xterm_r1"])
        #expect(all.first?.geometry == .usual)
        #expect(all.first?.timeout == 86400)
    }

    @Test("without a portal there are no applications of it")
    func noPortal() async throws {
        let database = try await TestDatabase.withHost()
        #expect(try await database.store.portalApplication(ApplicationName("xterm")) == nil)
        #expect(try await database.store.portalApplications().isEmpty)
    }
}
