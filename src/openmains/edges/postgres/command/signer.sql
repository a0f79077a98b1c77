-- SPDX-License-Identifier: Apache-2.0
-- The signer's eyes, as role openmains_signer: the few columns it may read (migration 0006).

-- name: facts
-- What the rules need to know of meters. One whose frames tell its credit keeps one, whatever its product says.
SELECT m.meter_id, m.number, m.tenant_id, m.area_id, m.product_id, p.driver, m.removed_on IS NOT NULL AS is_removed,
       coalesce(c.is_protected, false) AS is_protected, coalesce(c.is_critical, false) AS is_critical,
       coalesce((p.settings ->> 'prepaid')::boolean, false) OR coalesce(s.balance_kind IN (0, 1), false) AS prepaid,
       s.balance, s.strange_number,
       NOT coalesce((p.settings ->> 'remote_closing')::boolean, true) AS closing_forbidden,
       coalesce(nullif(m.qmax_l_h, 0), p.qmax_l_h) AS qmax_l_h, p.dial,
       EXISTS (SELECT FROM alarm a WHERE a.meter_id = m.meter_id AND a.tenant_id = m.tenant_id AND a.cleared_us IS NULL
                  AND a.event = ANY(:reporting::text[]) AND a.last_us >= :since_us) AS danger_reported
  FROM meter m JOIN product p USING (product_id)
  LEFT JOIN customer c ON c.customer_id = m.customer_id
  LEFT JOIN meter_state s ON s.meter_id = m.meter_id
 WHERE m.tenant_id = :tenant_id AND m.meter_id = ANY(:meter_ids::bigint[])

-- name: all_facts
-- What persons sign of a tenant's meters, in the order of their ids.
SELECT m.meter_id, m.number, m.area_id, p.driver,
       coalesce((p.settings ->> 'prepaid')::boolean, false) OR coalesce(s.balance_kind IN (0, 1), false) AS prepaid,
       coalesce(c.is_protected, false) AS is_protected, coalesce(c.is_critical, false) AS is_critical,
       NOT coalesce((p.settings ->> 'remote_closing')::boolean, true) AS closing_forbidden,
       coalesce(nullif(m.qmax_l_h, 0), p.qmax_l_h) AS qmax_l_h, p.dial, m.removed_on IS NOT NULL AS is_removed
  FROM meter m JOIN product p USING (product_id)
  LEFT JOIN customer c ON c.customer_id = m.customer_id
  LEFT JOIN meter_state s ON s.meter_id = m.meter_id
 WHERE m.tenant_id = :tenant_id AND m.meter_id > :after ORDER BY m.meter_id LIMIT :most

-- name: utility
-- A tenant's zone, office hours and whether it closes from afar; the last are null where it set none.
SELECT t.zone, o.office_from, o.office_to, o.office_days, coalesce(o.remote_closing, true) AS remote_closing
  FROM tenant t LEFT JOIN command_policy o USING (tenant_id) WHERE t.tenant_id = :tenant_id

-- name: sizes
-- Meters in use by tenant and area.
SELECT tenant_id, area_id, count(*) AS meters FROM meter WHERE removed_on IS NULL
   AND product_id NOT IN (SELECT product_id FROM product WHERE kind <> 'meter') GROUP BY tenant_id, area_id

-- name: command_key
-- The name of the key that this installation's commands are signed with; no row: none was signed yet.
SELECT value FROM platform_choice WHERE name = 'command_key'
