-- SPDX-License-Identifier: Apache-2.0
-- Codes for customers' phones as notices (migration 0112): role openmains_api, one tenant.

-- name: code_channel
-- The newest channel to phones that carries a code.
SELECT channel_id FROM notice_channel
 WHERE tenant_id = :tenant_id AND is_on AND NOT is_gone AND kind IN ('sms_aliyun', 'sms_tencent')
   AND 'code' = ANY (string_to_array(replace(settings->>'fields', ' ', ''), ','))
 ORDER BY channel_id DESC LIMIT 1

-- name: add_code_notice
-- Due since ever: it stands before all that waits for customers. Critical: by night too.
INSERT INTO notice (tenant_id, key, kind, state, severity, customer_id, channel_id, facts, made_us, due_us)
VALUES (:tenant_id, :key, 'customer_code', 'waiting', 'critical', :customer_id, :channel_id, :facts::jsonb, :now_us, 0)
