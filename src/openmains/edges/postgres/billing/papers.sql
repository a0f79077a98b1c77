-- SPDX-License-Identifier: Apache-2.0
-- Bills as they are printed.

-- name: letterhead
-- No row: only the utility's name is printed.
SELECT address, phone, pay_link, note_zh, note_en, tax_number, bank FROM bill_letterhead WHERE tenant_id = :tenant_id

-- name: set_letterhead
-- In place of what was there; the audit trail keeps it.
INSERT INTO bill_letterhead (tenant_id, address, phone, pay_link, note_zh, note_en, tax_number, bank, changed_by, changed_us)
VALUES (:tenant_id, :address, :phone, :pay_link, :note_zh, :note_en, :tax_number, :bank, :user_id, :now_us)
    ON CONFLICT (tenant_id) DO UPDATE SET address = excluded.address, phone = excluded.phone, pay_link = excluded.pay_link,
       note_zh = excluded.note_zh, note_en = excluded.note_en, tax_number = excluded.tax_number, bank = excluded.bank,
       changed_by = excluded.changed_by, changed_us = excluded.changed_us

-- name: utility
-- Its name.
SELECT name FROM tenant WHERE tenant_id = :tenant_id

-- name: printed
-- Bills with whose they are, by id: the account in the book, and who held it on the bill's last day.
SELECT b.bill_id, b.account_id, b.month, b.version, b.first_day, b.end_day, coalesce(r.book_day, b.end_day - 1) AS book_day, b.due_day,
       b.volume_ml, b.total_fen, b.estimated_days, b.by_days, b.inputs, b.lines, b.counted, b.entry_id, b.made_us,
       coalesce(c.reason, '') AS reason, t.name AS tariff, t.medium, t.customer_class, coalesce(a.number, '') AS number,
       coalesce(p.address, '') AS address, coalesce(h.name, '') AS holder,
       EXISTS (SELECT FROM bill n WHERE n.tenant_id = b.tenant_id AND n.account_id = b.account_id AND n.month = b.month
                  AND n.version > b.version) AS superseded
  FROM bill b JOIN tariff t ON t.tariff_id = b.tariff_id JOIN tenant u ON u.tenant_id = b.tenant_id
  LEFT JOIN bill_run r ON r.run_id = b.run_id LEFT JOIN bill_correction c ON c.correction_id = b.correction_id
  LEFT JOIN account a ON a.account_id = b.account_id AND a.tenant_id = b.tenant_id
  LEFT JOIN premises p ON p.premises_id = a.premises_id
  LEFT JOIN LATERAL (SELECT k.name FROM account_holder s JOIN customer k ON k.customer_id = s.customer_id
                      WHERE s.account_id = a.account_id AND lower(s.during) < (date '1970-01-01' + b.end_day)::timestamp AT TIME ZONE u.zone
                      ORDER BY lower(s.during) DESC LIMIT 1) h ON true
 WHERE b.tenant_id = :tenant_id AND b.bill_id = ANY (:bill_ids::bigint[]) ORDER BY b.bill_id

-- name: past
-- Newest versions of some accounts' bills of some months.
SELECT DISTINCT ON (account_id, month) account_id, month, volume_ml, total_fen FROM bill
 WHERE tenant_id = :tenant_id AND account_id = ANY (:account_ids::bigint[]) AND month BETWEEN :first_month AND :last_month
 ORDER BY account_id, month, version DESC

-- name: of_run
-- Bills that a run made, behind one.
SELECT bill_id FROM bill WHERE tenant_id = :tenant_id AND run_id = :run_id AND bill_id > :after ORDER BY bill_id LIMIT :most

-- name: count_of_run
-- How many; the run counts them as it writes them.
SELECT bills FROM bill_run WHERE tenant_id = :tenant_id AND run_id = :run_id
