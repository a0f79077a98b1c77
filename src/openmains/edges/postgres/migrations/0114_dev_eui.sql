-- SPDX-License-Identifier: Apache-2.0
-- A meter's address in a LoRaWAN network (ADR 0058). It is one device's in the world, so it is one meter's of all utilities.
ALTER TABLE meter ADD COLUMN dev_eui text CHECK (dev_eui ~ '^[0-9a-f]{16}$');
CREATE UNIQUE INDEX meter_dev_eui ON meter (dev_eui) WHERE dev_eui IS NOT NULL;
