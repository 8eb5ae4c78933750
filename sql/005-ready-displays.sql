-- Displays that stand ready before anyone asks, hosts that are set aside, and what a start tells of itself.

-- Every display that was claimed before was counted in its host's uses. `since` is when it came to be what it is: ready,
-- broken or ending.
ALTER TABLE `mw_display`
  ADD COLUMN IF NOT EXISTS `with_gl` tinyint(1) NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS `counted` tinyint(1) NOT NULL DEFAULT 1,
  ADD COLUMN IF NOT EXISTS `template` varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS `since` datetime(3) DEFAULT NULL,
  ADD COLUMN IF NOT EXISTS `reason` varchar(255) NOT NULL DEFAULT '',
  ADD INDEX IF NOT EXISTS `pool` (`state`, `with_gl`, `hostname`, `since`);

ALTER TABLE `mw_session`
  ADD COLUMN IF NOT EXISTS `with_gl` tinyint(1) NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS `steps` mediumtext DEFAULT NULL,
  ADD COLUMN IF NOT EXISTS `log_tail` text DEFAULT NULL,
  ADD COLUMN IF NOT EXISTS `exit_status` int(11) DEFAULT NULL,
  ADD INDEX IF NOT EXISTS `started` (`started`, `with_gl`),
  ADD INDEX IF NOT EXISTS `application` (`application`, `state`),
  ADD INDEX IF NOT EXISTS `ended` (`state`, `ended`);

ALTER TABLE `mw_host`
  ADD COLUMN IF NOT EXISTS `failures` int(10) unsigned NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS `set_aside` varchar(255) DEFAULT NULL,
  ADD COLUMN IF NOT EXISTS `probe_at` datetime(3) DEFAULT NULL,
  ADD COLUMN IF NOT EXISTS `probes` int(10) unsigned NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS `pool_holder` varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS `pool_until` datetime(3) DEFAULT NULL;

-- Starts that count against the same limit wait for each other at its row.
CREATE TABLE IF NOT EXISTS `mw_limit` (
  `name` varchar(120) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `tick` bigint(20) unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- A session's end removes its jobs.
ALTER TABLE `job` ADD INDEX IF NOT EXISTS `mw_sessnum` (`sessnum`);
