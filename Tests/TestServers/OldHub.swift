/// SQL that makes a hub's database as it was before the portal's migrations of 2012–2023: MyISAM, and what came later
/// missing. A host `old1`, a session 11 of `carol` on it, a session 10 that has ended, and three applications:
/// `xterm_r1` is published, `odd_dev` in development, `gone_r1` retired.
public let oldHub = """
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
