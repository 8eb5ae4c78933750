-- What only the middleware needs. InnoDB, times in UTC. Names compare byte for byte among these tables; ASCII
-- columns compare with a hub's columns of any character set and collation.

CREATE TABLE IF NOT EXISTS `mw_host` (
  `hostname` varchar(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `address` varchar(255) NOT NULL,
  `port` int(10) unsigned NOT NULL DEFAULT 22,
  `account` varchar(32) NOT NULL DEFAULT 'root',
  `ssh_host_key` text NOT NULL,
  `run_folder` varchar(255) NOT NULL DEFAULT '/run/maxwell',
  `isolation` varchar(20) NOT NULL DEFAULT '',
  `boot_id` varchar(80) NOT NULL DEFAULT '',
  `agent_version` varchar(40) NOT NULL DEFAULT '',
  `added` datetime NOT NULL,
  PRIMARY KEY (`hostname`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE IF NOT EXISTS `mw_display` (
  `hostname` varchar(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `dispnum` int(10) unsigned NOT NULL,
  `state` enum('starting','ready','used','ending','broken') NOT NULL DEFAULT 'starting',
  `sessnum` bigint(20) unsigned DEFAULT NULL,
  `link_key` varchar(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `uid` int(10) unsigned NOT NULL,
  `password` varchar(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `geometry` varchar(9) NOT NULL,
  `depth` int(10) unsigned NOT NULL,
  `boot_id` varchar(80) NOT NULL DEFAULT '',
  `created` datetime(3) NOT NULL,
  PRIMARY KEY (`hostname`, `dispnum`),
  KEY `sessnum` (`sessnum`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE IF NOT EXISTS `mw_session` (
  `sessnum` bigint(20) unsigned NOT NULL,
  `state` enum('starting','running','ending','ended','failed') NOT NULL,
  `kind` varchar(20) NOT NULL DEFAULT 'display',
  `owner` varchar(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `application` varchar(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `hostname` varchar(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `dispnum` int(10) unsigned NOT NULL,
  `geometry` varchar(9) NOT NULL,
  `timeout` int(10) unsigned NOT NULL,
  `reason` varchar(255) NOT NULL DEFAULT '',
  `error_id` varchar(64) DEFAULT NULL,
  `started` datetime(3) NOT NULL,
  `running` datetime(3) DEFAULT NULL,
  `ending` datetime(3) DEFAULT NULL,
  `ended` datetime(3) DEFAULT NULL,
  `walltime` double DEFAULT NULL,
  `viewtime` double DEFAULT NULL,
  `cputime` double DEFAULT NULL,
  PRIMARY KEY (`sessnum`),
  KEY `state` (`state`, `hostname`),
  KEY `owner` (`owner`, `state`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE IF NOT EXISTS `mw_ticket` (
  `token_hash` binary(32) NOT NULL,
  `sessnum` bigint(20) unsigned NOT NULL,
  `username` varchar(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `mode` enum('act','watch') NOT NULL,
  `kind` enum('view','ticket') NOT NULL,
  `once` tinyint(1) NOT NULL DEFAULT 0,
  `created` datetime(3) NOT NULL,
  `expires` datetime(3) DEFAULT NULL,
  `used_at` datetime(3) DEFAULT NULL,
  PRIMARY KEY (`token_hash`),
  KEY `sessnum` (`sessnum`),
  KEY `expires` (`expires`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- A view's row stays until its session has ended: viewing time is the union of these intervals.
CREATE TABLE IF NOT EXISTS `mw_view` (
  `viewid` bigint(20) unsigned NOT NULL,
  `sessnum` bigint(20) unsigned NOT NULL,
  `username` varchar(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `mode` enum('act','watch') NOT NULL,
  `kind` enum('view','ticket','portal') NOT NULL,
  `relay` varchar(80) NOT NULL DEFAULT '',
  `opened` datetime(3) NOT NULL,
  `heartbeat` datetime(3) NOT NULL,
  `duration` double DEFAULT NULL,
  PRIMARY KEY (`viewid`),
  KEY `sessnum` (`sessnum`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
