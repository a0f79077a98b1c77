-- SPDX-License-Identifier: Apache-2.0
-- What the signer's rules rest on is signed by persons and kept in its ledger (ADR 0016); it compares the registry with that and
-- reads a few columns more for it. And who only serves people, or only takes readings in, writes less of what rules rest on.

GRANT SELECT (number, qmax_l_h) ON meter TO openmains_signer;
GRANT SELECT (qmax_l_h, dial) ON product TO openmains_signer;
GRANT SELECT (balance_kind) ON meter_state TO openmains_signer; -- a meter that tells its credit keeps one

-- Meters are taken out of use, never deleted: whoever could delete one could bring it back as somebody else's.
REVOKE DELETE ON meter FROM openmains_api, openmains_pipeline;

-- FOR KEY SHARE of an import asks for UPDATE of one column, whichever; zone and settings are not the worker's to write.
REVOKE UPDATE ON tenant, product FROM openmains_pipeline;
GRANT UPDATE (created_at) ON tenant TO openmains_pipeline;
GRANT UPDATE (created_at) ON product TO openmains_pipeline;
