-- SPDX-License-Identifier: Apache-2.0
-- A balance is money or a volume, and a meter may be either: what it counts stands beside it. 0 money (fen), 1 volume (litres), 2 none.
ALTER TABLE meter_state ADD COLUMN balance_kind smallint;
