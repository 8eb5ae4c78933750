-- The kinds of host every portal knows, and one zone for a database that has none. What is there stays.

INSERT INTO `hosttype` (`name`, `value`, `description`)
  SELECT k.`name`, k.`value`, k.`description` FROM (
    SELECT 'sessions' AS `name`, 1 AS `value`, 'runs sessions' AS `description`
    UNION ALL SELECT 'workspace', 2, 'runs workspaces'
    UNION ALL SELECT 'pubnet', 4, 'reaches the public network'
    UNION ALL SELECT 'fileserver', 8, 'serves files'
    UNION ALL SELECT 'openvz', 16, 'runs containers'
  ) k
  WHERE NOT EXISTS (SELECT 1 FROM `hosttype`);

INSERT INTO `zones` (`zone`, `title`, `state`, `is_default`, `type`, `master`, `mw_version`, `ssh_key_path`)
  SELECT 'local', 'Local', 'up', 1, 'local', 'localhost', '2', ''
  FROM (SELECT 1) one
  WHERE NOT EXISTS (SELECT 1 FROM `zones`);
