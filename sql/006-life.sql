-- The life of sessions and views: clocks that survive a controller, views by proof of life, and accounts that are fixed
-- before they are written.

-- `unobserved` to `stops_in` are seconds by the controllers' clock for reaping, which stands still while none runs: a jump of
-- the database's clock changes nothing. `accessed` is the latest `session.accesstime` that was seen.
-- `walltime`, `viewtime` and `cputime` are what `sessionlog` has; `final_wall` and `final_cpu` are what it came to when
-- the last process had ended. `moved`: the logs are written and the portal's rows are gone.
ALTER TABLE `mw_session`
  ADD COLUMN IF NOT EXISTS `remoteip` varchar(40) NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS `zone_id` int(11) NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS `unobserved` double NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS `lived` double NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS `kept` double NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS `kept_age` double NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS `stops_in` double DEFAULT NULL,
  ADD COLUMN IF NOT EXISTS `noticed` tinyint(1) NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS `accessed` datetime DEFAULT NULL,
  ADD COLUMN IF NOT EXISTS `is_failed` tinyint(1) NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS `moved` tinyint(1) NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS `final_wall` double DEFAULT NULL,
  ADD COLUMN IF NOT EXISTS `final_cpu` double DEFAULT NULL;

-- Sessions of the release before live on.
UPDATE `mw_session` m JOIN `session` s ON s.`sessnum` = m.`sessnum`
  SET m.`remoteip` = s.`remoteip`, m.`zone_id` = s.`zone_id`
  WHERE m.`remoteip` = '' AND m.`zone_id` = 0;

-- `drain_in`: seconds until what runs on a host that drains is ended. `away`: seconds for which nobody has heard of it.
ALTER TABLE `mw_host`
  ADD COLUMN IF NOT EXISTS `drain_in` double DEFAULT NULL,
  ADD COLUMN IF NOT EXISTS `away` double NOT NULL DEFAULT 0;

-- A view is reserved when its token is resolved, and opened when its viewer sees the display. It began at `began` on the
-- clock `clock` (a machine's boot) and is proven to have lasted `seconds`; `duration` is its length once it has ended,
-- and `logged` tells that `viewlog` has it. `portal_view` is its row in `view`.
ALTER TABLE `mw_view`
  MODIFY COLUMN `viewid` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  MODIFY COLUMN `opened` datetime(3) DEFAULT NULL,
  MODIFY COLUMN `heartbeat` datetime(3) DEFAULT NULL,
  ADD COLUMN IF NOT EXISTS `portal_view` bigint(20) unsigned DEFAULT NULL,
  ADD COLUMN IF NOT EXISTS `remoteip` varchar(40) NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS `clock` varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS `began` double NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS `seconds` double NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS `to_viewer` bigint(20) unsigned NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS `from_viewer` bigint(20) unsigned NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS `cause` varchar(80) NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS `logged` tinyint(1) NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS `reserved` datetime(3) DEFAULT NULL,
  ADD INDEX IF NOT EXISTS `relay` (`relay`),
  ADD INDEX IF NOT EXISTS `unlogged` (`logged`, `duration`);

-- Views of the release before: their row in `view` had the same number, and they were logged when they ended.
UPDATE `mw_view`
  SET `portal_view` = `viewid`, `reserved` = `opened`, `logged` = `duration` IS NOT NULL,
    `seconds` = GREATEST(0, TIMESTAMPDIFF(MICROSECOND, `opened`, `heartbeat`) / 1000000)
  WHERE `reserved` IS NULL AND `opened` IS NOT NULL;

-- A view is looked for in the log before it is written there, and a session's views when it ends.
ALTER TABLE `viewlog` ADD INDEX IF NOT EXISTS `sessnum` (`sessnum`);
ALTER TABLE `view` ADD INDEX IF NOT EXISTS `sessnum` (`sessnum`);

-- What each person watched of each session, added up as their views end.
CREATE TABLE IF NOT EXISTS `mw_viewing` (
  `sessnum` bigint(20) unsigned NOT NULL,
  `username` varchar(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `views` int(10) unsigned NOT NULL DEFAULT 0,
  `seconds` double NOT NULL DEFAULT 0,
  `to_viewer` bigint(20) unsigned NOT NULL DEFAULT 0,
  `from_viewer` bigint(20) unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (`sessnum`, `username`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- The relays, each with this life of it and how often it was heard: who sees the figure stand still takes it for dead.
CREATE TABLE IF NOT EXISTS `mw_relay` (
  `name` varchar(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `instance` varchar(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `beats` bigint(20) unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

-- What one controller does for all: it counts its rounds here, and another takes over when the figure stands still.
-- `rested` is when the last holder put it down in order.
CREATE TABLE IF NOT EXISTS `mw_duty` (
  `name` varchar(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `holder` varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  `round` bigint(20) unsigned NOT NULL DEFAULT 0,
  `rested` datetime(3) DEFAULT NULL,
  PRIMARY KEY (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
ALTER TABLE `mw_host` DROP COLUMN IF EXISTS `pool_holder`, DROP COLUMN IF EXISTS `pool_until`;
