-- SPDX-License-Identifier: Apache-2.0
-- Invoices of bills.

-- name: taxes
-- How components stand on invoices, in the order they were entered.
SELECT component, item, tax_code, rate_bp FROM invoice_tax WHERE tenant_id = :tenant_id ORDER BY place

-- name: clear_taxes
-- Before others take their place.
DELETE FROM invoice_tax WHERE tenant_id = :tenant_id

-- name: add_taxes
-- In their order.
INSERT INTO invoice_tax (tenant_id, place, component, item, tax_code, rate_bp)
SELECT :tenant_id, u.place, u.component, u.item, u.tax_code, u.rate_bp
  FROM unnest(:components::text[], :items::text[], :tax_codes::text[], :rates::int[]) WITH ORDINALITY AS u(component, item, tax_code, rate_bp, place)

-- name: seller
-- The utility's name.
SELECT name FROM tenant WHERE tenant_id = :tenant_id

-- name: add_invoice
-- No row: the bill has one that stands.
INSERT INTO invoice (tenant_id, bill_id, account_id, buyer, buyer_tax_number, fen, tax_fen, document, asked_by, asked_us)
VALUES (:tenant_id, :bill_id, :account_id, :buyer, :buyer_tax_number, :fen, :tax_fen, :document::jsonb, :user_id, :now_us)
    ON CONFLICT (bill_id) WHERE state NOT IN ('refused', 'red_lettered') DO NOTHING RETURNING invoice_id

-- name: lock_invoice
-- Until the transaction ends.
SELECT invoice_id FROM invoice WHERE tenant_id = :tenant_id AND invoice_id = :invoice_id FOR UPDATE

-- name: invoices
-- One, those of a bill, or a page from new to old.
SELECT i.invoice_id, i.bill_id, i.account_id, i.state, i.buyer, i.buyer_tax_number, i.fen, i.tax_fen, i.document, i.number, i.fault, i.asked_by,
       coalesce(a.name, '') AS asker, i.asked_us, i.issued_us, i.red_number, i.red_reason, r.name AS red_asker, i.red_us
  FROM invoice i LEFT JOIN app_user a ON a.user_id = i.asked_by LEFT JOIN app_user r ON r.user_id = i.red_by
 WHERE i.tenant_id = :tenant_id AND (:invoice_id::bigint IS NULL OR i.invoice_id = :invoice_id) AND (:bill_id::bigint IS NULL OR i.bill_id = :bill_id)
   AND (:state::text IS NULL OR i.state = :state) AND (:after::bigint IS NULL OR i.invoice_id < :after)
 ORDER BY i.invoice_id DESC LIMIT :most

-- name: move_invoice
-- The number is the invoice's as it is issued, the red letter's as it is taken back.
UPDATE invoice SET state = :state, fault = :fault,
       number = CASE WHEN :state::text = 'issued' AND number = '' THEN :number ELSE number END,
       issued_us = CASE WHEN :state::text = 'issued' AND number = '' THEN :now_us ELSE issued_us END,
       red_number = CASE WHEN :state::text = 'red_lettered' THEN :number ELSE red_number END,
       red_us = CASE WHEN :state::text = 'red_lettered' THEN :now_us ELSE red_us END
 WHERE tenant_id = :tenant_id AND invoice_id = :invoice_id

-- name: ask_red
-- By another person than who asked for it.
UPDATE invoice SET state = 'red_asked', red_reason = :reason, red_by = :user_id, fault = '' WHERE tenant_id = :tenant_id AND invoice_id = :invoice_id
