-- SPDX-License-Identifier: Apache-2.0
-- Meters that come through a utility's MQTT broker, for edges (openmains_pipeline).

-- name: mqtt_devices
-- A utility's meters in use with a DevEUI, and those of products whose meters are called by their number.
SELECT meter_id, tenant_id, product_id, dev_eui, imei, number
  FROM meter WHERE dev_eui IS NOT NULL AND tenant_id = :tenant_id AND removed_on IS NULL
UNION
SELECT meter_id, tenant_id, product_id, dev_eui, imei, number
  FROM meter WHERE product_id = ANY (:product_ids::integer[]) AND tenant_id = :tenant_id AND removed_on IS NULL

-- name: mqtt_devices_changed
-- What meters are now whose identity changed in these transactions; another utility's, and one that is none any more, have no DevEUI.
SELECT c.meter_id, coalesce(m.tenant_id, 0) AS tenant_id, coalesce(m.product_id, 0) AS product_id, m.dev_eui, m.imei, m.number
  FROM (SELECT DISTINCT i.meter_id FROM identity_change i WHERE i.xid >= :since::text::xid8 AND i.xid < :before::text::xid8) c
  LEFT JOIN meter m ON m.meter_id = c.meter_id AND m.removed_on IS NULL AND m.tenant_id = :tenant_id
