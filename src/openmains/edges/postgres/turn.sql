-- SPDX-License-Identifier: Apache-2.0
-- Work that one process does for all.

-- name: try_hold
-- One process at a time, until its connection ends.
SELECT pg_try_advisory_lock(:lock::bigint)
