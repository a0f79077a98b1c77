-- SPDX-License-Identifier: Apache-2.0
-- Warnings of arrears and of low balances reach the customer as notices (R9, ADR 0062): one for each step and each stage, by day.
ALTER TABLE notice DROP CONSTRAINT notice_kind_check,
  ADD CONSTRAINT notice_kind_check CHECK (kind IN ('raised', 'escalated', 'cleared', 'test', 'order', 'order_overdue', 'announcement',
                                                   'customer_code', 'arrears_warning', 'balance_low'));
