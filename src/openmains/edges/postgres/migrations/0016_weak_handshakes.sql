-- SPDX-License-Identifier: Apache-2.0
-- Modules of a product that cannot do better: DTLS with CBC only, or without the extended master secret (RFC 7627). Off unless somebody says so.
ALTER TABLE product ADD COLUMN allow_cbc boolean NOT NULL DEFAULT false;
ALTER TABLE product ADD COLUMN allow_no_ems boolean NOT NULL DEFAULT false;
