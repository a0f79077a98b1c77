-- SPDX-License-Identifier: Apache-2.0
-- What persons read on a day is held against what meters said of it: the accuracy of the day.
CREATE INDEX manual_reading_at ON manual_reading (tenant_id, at_s, reading_id);
