-- Sessions of load tests: marked, so that they are told from people's and removed afterwards.

ALTER TABLE `mw_session`
  ADD COLUMN IF NOT EXISTS `stress` enum('real','synthetic') DEFAULT NULL,
  ADD INDEX IF NOT EXISTS `stress` (`stress`, `state`),
  ADD INDEX IF NOT EXISTS `recent` (`started`, `with_gl`, `stress`),
  DROP INDEX IF EXISTS `started`,
  ADD INDEX IF NOT EXISTS `capacity` (`application`, `state`, `stress`),
  DROP INDEX IF EXISTS `application`;

-- Whether the owner is, or was last, a load test's user.
ALTER TABLE `mw_shadow`
  ADD COLUMN IF NOT EXISTS `stress` tinyint(1) NOT NULL DEFAULT 0;
