-- SPDX-License-Identifier: Apache-2.0
-- A plan of inspections looks through its accounts once a day, not each time the worker turns: the day (days since 1970, of the utility's zone)
-- on which it found no more to make. A plan that is changed looks again.
ALTER TABLE inspection_plan ADD COLUMN looked_day int NOT NULL DEFAULT 0;
GRANT UPDATE (looked_day) ON inspection_plan TO openmains_pipeline;
