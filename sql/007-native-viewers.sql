-- Views of native viewers whose account's password was checked.
ALTER TABLE `mw_view`
  MODIFY COLUMN `kind` enum('view','ticket','portal','password') NOT NULL;
