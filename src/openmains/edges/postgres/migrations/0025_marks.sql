-- SPDX-License-Identifier: Apache-2.0
-- What the stores know of each other, so that an empty one is not taken for a first start (ADR 0017). In platform_choice: the name
-- of the command key that commands are signed with, and that of the ClickHouse that holds the readings.

-- The signer asks whether commands were signed before it makes a key and a ledger; it still writes nothing.
GRANT SELECT ON platform_choice TO openmains_signer;

-- Signed before there were names: by a key that nobody noted.
INSERT INTO platform_choice (name, value)
SELECT 'command_key', '?' WHERE EXISTS (SELECT FROM command WHERE counter IS NOT NULL);

-- One row that is written and read when somebody asks whether the system is ready.
CREATE TABLE ready_trial (
  slot   int PRIMARY KEY CHECK (slot = 1),
  number bigint NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON ready_trial TO openmains_pipeline;
