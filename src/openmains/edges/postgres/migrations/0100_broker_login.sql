-- SPDX-License-Identifier: Apache-2.0
-- Subscriptions may name a message broker (ADR 0054): who signs in there; the password is the sealed secret.
ALTER TABLE subscription ADD COLUMN login text NOT NULL DEFAULT '';
GRANT SELECT (login) ON subscription TO openmains_api;
