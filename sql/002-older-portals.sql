-- What a database of an older portal lacks. Engine and existing columns stay as they are.

ALTER TABLE `display`
  ADD COLUMN IF NOT EXISTS `depth` int(10) unsigned NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS `geometry` varchar(9) NOT NULL DEFAULT '0';
ALTER TABLE `host`
  ADD COLUMN IF NOT EXISTS `portbase` int(11) NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS `zone_id` int(11) NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS `max_uses` int(11) NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS `first_display` int(11) NOT NULL DEFAULT 1,
  ADD COLUMN IF NOT EXISTS `service_host` varchar(40) DEFAULT NULL;
ALTER TABLE `hosttype`
  ADD COLUMN IF NOT EXISTS `description` varchar(255) NOT NULL DEFAULT '';
ALTER TABLE `job`
  ADD COLUMN IF NOT EXISTS `active` smallint(2) NOT NULL DEFAULT 1,
  ADD COLUMN IF NOT EXISTS `jobtoken` varchar(32) DEFAULT NULL;
ALTER TABLE `joblog`
  ADD COLUMN IF NOT EXISTS `zone_id` int(11) NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS `end` timestamp NOT NULL DEFAULT current_timestamp();
ALTER TABLE `session`
  ADD COLUMN IF NOT EXISTS `timeout` int(11) DEFAULT 86400,
  ADD COLUMN IF NOT EXISTS `params` text DEFAULT NULL,
  ADD COLUMN IF NOT EXISTS `zone_id` int(11) NOT NULL DEFAULT 0;
ALTER TABLE `sessionlog`
  ADD COLUMN IF NOT EXISTS `status` smallint(5) unsigned DEFAULT 0,
  ADD COLUMN IF NOT EXISTS `zone_id` int(11) NOT NULL DEFAULT 0;
ALTER TABLE `viewperm`
  ADD COLUMN IF NOT EXISTS `readonly` varchar(4) NOT NULL DEFAULT 'Yes',
  ADD INDEX IF NOT EXISTS `mw_viewtoken` (`viewtoken`);
ALTER TABLE `zones`
  ADD COLUMN IF NOT EXISTS `is_default` tinyint(2) NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS `type` varchar(10) DEFAULT NULL,
  ADD COLUMN IF NOT EXISTS `description` text DEFAULT NULL,
  ADD COLUMN IF NOT EXISTS `params` text DEFAULT NULL;

-- The key of `display` came in 2018; a row of ours is replaced by it. Rows that stand twice are left once.
BEGIN NOT ATOMIC
  IF NOT EXISTS (
    SELECT 1 FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND table_name = 'display' AND index_name = 'PRIMARY'
  ) THEN
    CREATE OR REPLACE TEMPORARY TABLE `mw_display_once` AS
      SELECT `hostname`, `dispnum`, MAX(`geometry`) AS `geometry`, MAX(`depth`) AS `depth`,
        MAX(`sessnum`) AS `sessnum`, MAX(`vncpass`) AS `vncpass`, MAX(`status`) AS `status`
      FROM `display` GROUP BY `hostname`, `dispnum` HAVING COUNT(*) > 1;
    DELETE d FROM `display` d JOIN `mw_display_once` o USING (`hostname`, `dispnum`);
    INSERT INTO `display` (`hostname`, `dispnum`, `geometry`, `depth`, `sessnum`, `vncpass`, `status`)
      SELECT `hostname`, `dispnum`, `geometry`, `depth`, `sessnum`, `vncpass`, `status` FROM `mw_display_once`;
    DROP TEMPORARY TABLE `mw_display_once`;
    ALTER TABLE `display` ADD PRIMARY KEY (`hostname`, `dispnum`);
  END IF;
END;
