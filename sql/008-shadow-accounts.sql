-- Uids for people whose directory entry has none.

-- A uid is `owner`'s while it is `used`; from the end of their last session on it is `stale`, until every host it was used on
-- has ended its processes and removed its home. Whoever uses it next finds nothing. `owner` is NULL unless it is `used`, so
-- that nobody has two at a time.
CREATE TABLE IF NOT EXISTS `mw_shadow` (
  `uid` int(10) unsigned NOT NULL,
  `state` enum('free','used','stale') NOT NULL DEFAULT 'free',
  `owner` varchar(32) CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `home` varchar(255) NOT NULL,
  `since` datetime(3) NOT NULL,
  PRIMARY KEY (`uid`),
  UNIQUE KEY `owner` (`owner`),
  KEY `state` (`state`, `since`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- The hosts where a uid may have processes or files: written before it is used there, removed when it is clean.
CREATE TABLE IF NOT EXISTS `mw_shadow_host` (
  `uid` int(10) unsigned NOT NULL,
  `hostname` varchar(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (`uid`, `hostname`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
