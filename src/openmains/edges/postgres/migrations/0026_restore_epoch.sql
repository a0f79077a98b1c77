-- SPDX-License-Identifier: Apache-2.0
-- Each restore of a backup begins an epoch (ADR 0018): what this database gives out goes on above all that can have been given out
-- after the backup was taken. The serial numbers of commands have their floor here; versions and ids are raised where they stand.
CREATE TABLE restore_epoch (
  epoch        int PRIMARY KEY,
  backup_id    text NOT NULL,
  taken_us     bigint NOT NULL,                  -- the moment that the backup shows
  restored_us  bigint NOT NULL,
  serial_floor int NOT NULL                      -- a command's serial number is above it
);
GRANT SELECT ON restore_epoch TO openmains_pipeline, openmains_api;
