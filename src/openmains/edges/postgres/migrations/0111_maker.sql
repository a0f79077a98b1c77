-- SPDX-License-Identifier: Apache-2.0
-- The role of a maker's people (R13.5): they see meters of their own models, so they have none without products.
ALTER TABLE app_user DROP CONSTRAINT role_known,
  ADD CONSTRAINT role_known CHECK (role IN ('administrator', 'operator', 'dispatcher', 'clerk', 'cashier', 'reader', 'installer', 'maker',
    'government', 'viewer') OR role ~ '^own-[1-9][0-9]{0,8}$'),
  ADD CONSTRAINT maker_products CHECK (role <> 'maker' OR products <> '{}');
ALTER TABLE api_token DROP CONSTRAINT role_known,
  ADD CONSTRAINT role_known CHECK (role IN ('administrator', 'operator', 'dispatcher', 'clerk', 'cashier', 'reader', 'installer', 'maker',
    'government', 'viewer') OR role ~ '^own-[1-9][0-9]{0,8}$');
ALTER TABLE list_view DROP CONSTRAINT list_view_shared_with_check,
  ADD CONSTRAINT list_view_shared_with_check CHECK (shared_with IN ('administrator', 'operator', 'dispatcher', 'clerk', 'cashier', 'reader',
    'installer', 'maker', 'government', 'viewer'));
