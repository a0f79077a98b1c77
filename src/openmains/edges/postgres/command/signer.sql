-- SPDX-License-Identifier: Apache-2.0
-- The signer's eyes, as role openmains_signer: the few columns it may read (migration 0006).

-- name: facts
-- What the rules need to know of meters.
SELECT m.meter_id, m.tenant_id, m.area_id, m.product_id, p.driver, m.removed_on IS NOT NULL AS is_removed,
       coalesce(c.is_protected, false) AS is_protected, coalesce(c.is_critical, false) AS is_critical,
       coalesce((p.settings ->> 'prepaid')::boolean, false) AS prepaid, s.balance, s.strange_number,
       NOT (coalesce((p.settings ->> 'remote_closing')::boolean, true) AND coalesce(o.remote_closing, true)) AS closing_forbidden,
       EXISTS (SELECT FROM alarm a WHERE a.meter_id = m.meter_id AND a.tenant_id = m.tenant_id AND a.cleared_us IS NULL
                  AND a.event = ANY(:reporting::text[]) AND a.last_us >= :since_us) AS danger_reported
  FROM meter m JOIN product p USING (product_id)
  LEFT JOIN customer c ON c.customer_id = m.customer_id
  LEFT JOIN meter_state s ON s.meter_id = m.meter_id
  LEFT JOIN command_policy o ON o.tenant_id = m.tenant_id
 WHERE m.tenant_id = :tenant_id AND m.meter_id = ANY(:meter_ids::bigint[])

-- name: zone
-- A tenant's time zone.
SELECT zone FROM tenant WHERE tenant_id = :tenant_id

-- name: office
-- A tenant's office hours; no row: it set none.
SELECT office_from, office_to, office_days FROM command_policy WHERE tenant_id = :tenant_id

-- name: sizes
-- Meters in use by tenant and area.
SELECT tenant_id, area_id, count(*) AS meters FROM meter WHERE removed_on IS NULL
   AND product_id NOT IN (SELECT product_id FROM product WHERE kind <> 'meter') GROUP BY tenant_id, area_id
