# A gateway with much to remember: sessions that live on a host called "elsewhere", which no controller of ours serves,
# so nothing there is healed, ended or counted. Every row is as a start or an end writes it. The sessions were started
# in the hours before: as recent demand they would have the hosts make thousands of displays ready.

live_tables_ask() {
    local client
    read -ra client <<<"$MAXWELL_SQL"
    "${client[@]}"
}

# Makes a log of $1 rows beside the gateway's own.
live_tables_log() {
    live_tables_ask <<SQL
CREATE TABLE sessionlog_long LIKE sessionlog;
INSERT INTO sessionlog_long (sessnum, username, remoteip, remotehost, exechost, dispnum, start, appname, walltime, viewtime,
    cputime, status, zone_id)
  SELECT 100000000 + seq, CONCAT('person', seq MOD 2000), '192.0.2.1', '', 'elsewhere', seq MOD 10000 + 1,
    NOW() - INTERVAL 600 + 60 * seq SECOND, 'xterm', 3600, 1800, 60, 0, (SELECT MIN(id) FROM zones)
  FROM seq_1_to_$1;
SQL
}

# Writes $1 live sessions of two thousand people, and takes the long log for the gateway's.
live_tables_fill() {
    live_tables_ask <<SQL
INSERT INTO host (hostname, provisions, status, uses, zone_id) SELECT 'elsewhere', 0, 'down', 0, MIN(id) FROM zones;
START TRANSACTION;
INSERT INTO session (sessnum, username, remoteip, exechost, dispnum, start, accesstime, timeout, appname, sessname,
    sesstoken, params, zone_id)
  SELECT 1000000 + seq, CONCAT('person', seq MOD 2000), '192.0.2.1', 'elsewhere', seq, NOW() - INTERVAL 600 + seq SECOND,
    NOW(), 86400, 'xterm', 'xterm', MD5(CONCAT('session', seq)), '', (SELECT MIN(id) FROM zones)
  FROM seq_1_to_$1;
INSERT INTO mw_session (sessnum, state, kind, owner, application, hostname, dispnum, geometry, timeout, started, running)
  SELECT 1000000 + seq, 'running', 'display', CONCAT('person', seq MOD 2000), 'xterm', 'elsewhere', seq, '1024x768',
    86400, UTC_TIMESTAMP(3) - INTERVAL 600 + seq SECOND, UTC_TIMESTAMP(3) - INTERVAL 599 + seq SECOND
  FROM seq_1_to_$1;
INSERT INTO viewperm (sessnum, viewuser, viewtoken, geometry, fwhost, fwport, vncpass, readonly)
  SELECT 1000000 + seq, CONCAT('person', seq MOD 2000), MD5(CONCAT('view', seq)), '1024x768', 'elsewhere', 9000 + seq,
    LEFT(MD5(seq), 16), 'No'
  FROM seq_1_to_$1;
INSERT INTO mw_display (hostname, dispnum, state, sessnum, link_key, uid, password, geometry, depth, boot_id, created)
  SELECT 'elsewhere', seq, 'used', 1000000 + seq, MD5(CONCAT('link', seq)), 2000000 + seq, LEFT(MD5(seq), 8),
    '1024x768', 24, 'elsewhere', UTC_TIMESTAMP(3) - INTERVAL 600 + seq SECOND
  FROM seq_1_to_$1;
INSERT INTO display (hostname, dispnum, geometry, depth, sessnum, vncpass, status)
  SELECT 'elsewhere', seq, '1024x768', 24, 1000000 + seq, LEFT(MD5(seq), 16), 'used' FROM seq_1_to_$1;
COMMIT;
RENAME TABLE sessionlog TO sessionlog_short, sessionlog_long TO sessionlog;
SQL
    live_tables_analyze
}

# Takes both away again.
live_tables_empty() {
    live_tables_ask <<'SQL'
START TRANSACTION;
DELETE FROM viewperm WHERE fwhost = 'elsewhere';
DELETE FROM session WHERE exechost = 'elsewhere';
DELETE FROM mw_session WHERE hostname = 'elsewhere';
DELETE FROM mw_display WHERE hostname = 'elsewhere';
DELETE FROM display WHERE hostname = 'elsewhere';
DELETE FROM host WHERE hostname = 'elsewhere';
COMMIT;
RENAME TABLE sessionlog TO sessionlog_long, sessionlog_short TO sessionlog;
SQL
    live_tables_analyze
}

live_tables_analyze() {
    live_tables_ask <<<'ANALYZE TABLE session, sessionlog, viewperm, display, host, mw_session, mw_display;' >/dev/null
}
