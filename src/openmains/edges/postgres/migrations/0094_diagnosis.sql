-- SPDX-License-Identifier: Apache-2.0
-- What the diagnosis of one meter asks for is found along an index (R7.4, ADR 0051).
CREATE INDEX access_refusal_imei ON access_refusal (tenant_id, imei, last_us DESC) WHERE imei IS NOT NULL;
CREATE INDEX dead_letter_of_meter ON dead_letter (meter_id, dead_letter_id DESC) WHERE status = 'open';
