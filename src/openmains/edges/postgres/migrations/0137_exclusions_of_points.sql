-- SPDX-License-Identifier: Apache-2.0
-- No two holders of an account at a time, no meter at two places, no two main meters at an account: the laws of 0060 and 0063, under the same names.
-- Their ids were ranges of one number, so that no extension is needed; as points they need none either, and a row is entered three times as fast
-- (docs/performance.md), which was most of what a meter of an import took. Two points are the same (~=) where the ids are: a
-- double holds each whole number below 2^53, and above that two ids that follow each other would be refused, never taken.
-- Each index is made anew, once, while nobody writes its table.
ALTER TABLE account_holder DROP CONSTRAINT account_holder_alone,
  ADD CONSTRAINT account_holder_alone EXCLUDE USING gist (point(account_id, account_id) WITH ~=, during WITH &&);
ALTER TABLE installation DROP CONSTRAINT installation_one_place,
  ADD CONSTRAINT installation_one_place EXCLUDE USING gist (point(meter_id, meter_id) WITH ~=, during WITH &&);
ALTER TABLE installation DROP CONSTRAINT installation_one_main,
  ADD CONSTRAINT installation_one_main EXCLUDE USING gist (point(account_id, account_id) WITH ~=, during WITH &&)
    WHERE (role IN ('household', 'master'));
