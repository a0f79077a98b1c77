-- SPDX-License-Identifier: Apache-2.0
-- The number inside a meter's frames, where it is not the registered one: what stands there (strange_number), and what a person
-- took for right until the registry says so (accepted_number). runs: rules (bit = number) of which an exception goes on.
ALTER TABLE meter_state
  ADD COLUMN strange_number  bigint,
  ADD COLUMN accepted_number bigint,
  ADD COLUMN runs            bigint NOT NULL DEFAULT 0,
  ADD COLUMN measured_at     bigint; -- newest grid instant that was measured, not drawn from a spot register
GRANT SELECT (strange_number) ON meter_state TO openmains_signer; -- no valve and no money to a module that may be another's

-- A held message carries the number that does not fit, so that judging it finds all of them.
ALTER TABLE dead_letter ADD COLUMN number bigint;
CREATE INDEX dead_letter_held ON dead_letter (meter_id, number) WHERE number IS NOT NULL AND status = 'open';

-- One exception for as long as its cause lasts. closed: it ended by itself; rejected: what was held is not used.
ALTER TABLE reading_exception
  ADD COLUMN occurrences int NOT NULL DEFAULT 1,
  ADD COLUMN last_at     timestamptz NOT NULL DEFAULT now();
ALTER TABLE reading_exception NO FORCE ROW LEVEL SECURITY; -- for the owner, who sees no tenant's rows otherwise
UPDATE reading_exception SET last_at = found_at;
ALTER TABLE reading_exception DROP CONSTRAINT reading_exception_status_check;
ALTER TABLE reading_exception ADD CONSTRAINT reading_exception_status_check
  CHECK (status IN ('open', 'accepted', 'edited', 'estimated', 'rejected', 'closed'));
-- What is a flag of the reading and no work: same value again, rollover, out of order.
UPDATE reading_exception SET status = 'closed' WHERE status = 'open' AND rule IN (0, 5, 16);
ALTER TABLE reading_exception FORCE ROW LEVEL SECURITY;
