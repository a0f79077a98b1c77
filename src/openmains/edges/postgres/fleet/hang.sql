-- SPDX-License-Identifier: Apache-2.0
-- Meters that came by a door that knows no accounts are given one (hang.py). Rows: migration 0138.

-- name: hang_meters
-- Meters that came by a door that knows no accounts get one (migrations 0063, 0138); how many wait no more.
SELECT hang_meters(:most)

-- name: count_to_hang
-- Meters of a utility that still wait for an account.
SELECT count(*) FROM meter_to_hang WHERE tenant_id = :tenant_id
