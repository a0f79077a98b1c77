-- SPDX-License-Identifier: Apache-2.0
-- Statements of an import on its staging tables, which are of one session: outside it there is nothing to prepare them against.

-- name: make_staging
-- A chunk's rows, and what they are in the registry. Each row names its tenant, and the statements below join by it: a tenant given as a
-- constant, of whom the planner's statistics know no row yet, is taken for one row, to be compared with every row of the chunk.
-- import_rows() works with the owner's rights; no other session sees them.
CREATE TEMPORARY TABLE import_row (
  line int PRIMARY KEY, number text NOT NULL, bar_code text, imei bigint, imsi text, iccid text, product text NOT NULL,
  area text NOT NULL, customer_code text, customer_name text, phone text, address text, customer_address text, is_protected boolean, is_critical boolean,
  place text, dn int, qmax_l_h bigint, installed_on date NOT NULL, expected_from date, tags text,
  search_text text NOT NULL, grams int[] NOT NULL,
  tenant_id int NOT NULL DEFAULT current_setting('openmains.import_tenant')::int
) ON COMMIT DROP;
CREATE TEMPORARY TABLE import_key (
  line int PRIMARY KEY, meter_id bigint NOT NULL, product_id int, area_id int, customer_id bigint, known boolean NOT NULL
) ON COMMIT DROP;
GRANT ALL ON import_row, import_key TO PUBLIC

-- name: drop_staging
-- Of an import before in the same session.
DROP TABLE IF EXISTS pg_temp.import_row, pg_temp.import_key

-- name: empty_staging
-- Before each chunk.
TRUNCATE import_row, import_key

-- name: analyse_staging
-- Chunks are alike; the planner's view of the first is kept over TRUNCATE.
ANALYZE import_row (number, imei, customer_code)

-- name: conflicts
-- Rows that cannot be taken. An IMEI is unique over all tenants; which meter of another tenant has it is not told.
SELECT r.line, 'imei' AS place, lpad(r.imei::text, 15, '0') AS value, 'imei_taken' AS reason
  FROM import_row r JOIN meter m ON m.imei = r.imei
 WHERE m.tenant_id <> :tenant_id OR m.number <> r.number
UNION ALL
SELECT r.line, 'number', r.number, 'meter_removed'
  FROM import_row r JOIN meter m ON m.tenant_id = r.tenant_id AND m.number = r.number
 WHERE m.removed_on IS NOT NULL
UNION ALL
SELECT r.line, 'bar_code', r.bar_code, 'bar_code_taken'
  FROM (SELECT line, tenant_id, number, bar_code, row_number() OVER (PARTITION BY bar_code ORDER BY line) AS place FROM import_row WHERE bar_code <> '') r
 WHERE (r.place > 1 OR EXISTS (SELECT FROM meter m WHERE m.tenant_id = r.tenant_id AND m.bar_code = r.bar_code AND m.number <> r.number))
   AND NOT EXISTS (SELECT FROM meter o WHERE o.tenant_id = r.tenant_id AND o.number = r.number AND o.bar_code = r.bar_code)
ORDER BY 1, 2

-- name: kind_conflicts
-- Rows that would make a monitor of a meter or the other way round, or bill a monitor. Asked where the tenant has monitors.
SELECT r.line, 'product' AS place, r.product AS value, 'other_kind' AS reason
  FROM import_row r JOIN product n ON n.tenant_id = r.tenant_id AND n.code = r.product
  JOIN meter m ON m.tenant_id = r.tenant_id AND m.number = r.number JOIN product p ON p.product_id = m.product_id
 WHERE p.kind <> n.kind
UNION ALL
SELECT r.line, 'customer_code', r.customer_code, 'monitor_customer'
  FROM import_row r JOIN product n ON n.tenant_id = r.tenant_id AND n.code = r.product
 WHERE n.kind <> 'meter' AND r.customer_code IS NOT NULL
ORDER BY 1, 2

-- name: unit_conflicts
-- Rows that would make another medium's meter of one that hung somewhere, or let its registers count in another unit.
SELECT r.line, 'product' AS place, r.product AS value, 'other_unit' AS reason
  FROM import_row r JOIN product n ON n.tenant_id = r.tenant_id AND n.code = r.product
  JOIN meter m ON m.tenant_id = r.tenant_id AND m.number = r.number AND m.product_id <> n.product_id
  JOIN product p ON p.product_id = m.product_id AND p.kind = 'meter' AND n.kind = 'meter'
  LEFT JOIN unnest(:drivers::text[], :exponents::int[]) AS o (driver, exponent) ON o.driver = p.driver
  LEFT JOIN unnest(:drivers::text[], :exponents::int[]) AS w (driver, exponent) ON w.driver = n.driver
 WHERE (p.medium <> n.medium OR o.exponent IS DISTINCT FROM w.exponent)
   AND EXISTS (SELECT FROM installation i WHERE i.meter_id = m.meter_id)
ORDER BY 1

-- name: holder_conflicts
-- Rows that give a meter to another customer than who holds the account it hangs at, or an account that nobody holds to two. Who holds an account
-- changes by an act on it, from an instant on; a file of meters would change the meter's copy alone.
SELECT f.line, 'customer_code' AS place, f.customer_code AS value, 'other_holder' AS reason
  FROM (SELECT r.line, r.customer_code,
               coalesce(c.code, first_value(r.customer_code) OVER (PARTITION BY i.account_id ORDER BY r.line)) AS holder
          FROM import_row r JOIN meter m ON m.tenant_id = r.tenant_id AND m.number = r.number
          JOIN installation i ON i.meter_id = m.meter_id AND upper_inf(i.during)
          LEFT JOIN account_holder h ON h.account_id = i.account_id AND upper_inf(h.during)
          LEFT JOIN customer c ON c.customer_id = h.customer_id
         WHERE r.customer_code IS NOT NULL) f
 WHERE f.customer_code <> f.holder
ORDER BY 1

-- name: tag_conflicts
-- Rows that name a tag the utility has not: one misspelt would be another tag, and in no filter.
SELECT r.line, 'tags' AS place, min(n.name) AS value, 'unknown_tag' AS reason
  FROM import_row r CROSS JOIN LATERAL unnest(string_to_array(r.tags, ';')) AS n (name)
 WHERE NOT EXISTS (SELECT FROM tag t WHERE t.tenant_id = :tenant_id AND lower(t.name) = lower(n.name))
 GROUP BY r.line ORDER BY 1

-- name: set_tags
-- After import_rows(): a meter has the tags of its cell, and no others; an empty cell keeps what is stored, as there. What went and what came.
WITH wanted AS (
  SELECT DISTINCT k.meter_id, t.tag_id
    FROM import_row r JOIN import_key k USING (line) CROSS JOIN LATERAL unnest(string_to_array(r.tags, ';')) AS n (name)
    JOIN tag t ON t.tenant_id = :tenant_id AND lower(t.name) = lower(n.name)
), gone AS (
  DELETE FROM meter_tag x USING import_row r JOIN import_key k USING (line)
   WHERE r.tags IS NOT NULL AND x.meter_id = k.meter_id AND x.tenant_id = r.tenant_id
     AND NOT EXISTS (SELECT FROM wanted w WHERE w.meter_id = x.meter_id AND w.tag_id = x.tag_id)
  RETURNING x.meter_id, x.tag_id
), put AS (
  INSERT INTO meter_tag (tag_id, meter_id, tenant_id) SELECT tag_id, meter_id, :tenant_id::int FROM wanted
  ON CONFLICT DO NOTHING RETURNING meter_id, tag_id
)
SELECT meter_id, tag_id, true AS is_put FROM put UNION ALL SELECT meter_id, tag_id, false FROM gone

-- name: note_tags
-- For an undo: of meters that were there before. New ones go with their tags.
INSERT INTO import_tag (job_id, tenant_id, meter_id, tag_id, is_put)
SELECT :job_id::bigint, :tenant_id::int, n.meter_id, n.tag_id, n.is_put
  FROM unnest(:meter_ids::bigint[], :tag_ids::int[], :is_put::boolean[]) AS n (meter_id, tag_id, is_put)
  JOIN import_key k ON k.meter_id = n.meter_id AND k.known

-- name: zero_lengths
-- How long numbers with leading zeros are, in the registry and the chunk: what a spreadsheet may have cut is filled up to these.
SELECT DISTINCT length(number) AS size FROM meter WHERE tenant_id = :tenant_id AND number LIKE '0%'
UNION SELECT DISTINCT length(code) FROM customer WHERE tenant_id = :tenant_id AND code LIKE '0%'
UNION SELECT DISTINCT length(number) FROM import_row WHERE number LIKE '0%'
UNION SELECT DISTINCT length(customer_code) FROM import_row WHERE customer_code LIKE '0%'

-- name: zeros_differ
-- Numbers and customers' codes nobody has yet, that differ by leading zeros only from one in the chunk before or the registry.
WITH given AS (
  SELECT r.line, r.tenant_id, 'number' AS place, r.number AS value, ltrim(r.number, '0') AS plain
    FROM import_row r LEFT JOIN meter m ON m.tenant_id = r.tenant_id AND m.number = r.number
   WHERE m.meter_id IS NULL AND r.number ~ '^[0-9]+$'
  UNION ALL
  SELECT r.line, r.tenant_id, 'customer_code', r.customer_code, ltrim(r.customer_code, '0')
    FROM import_row r LEFT JOIN customer c ON c.tenant_id = r.tenant_id AND c.code = r.customer_code
   WHERE c.customer_id IS NULL AND r.customer_code ~ '^[0-9]+$'
), beside AS (
  SELECT g.*, first_value(g.value) OVER (PARTITION BY g.place, g.plain ORDER BY g.line) AS first,
         ARRAY(SELECT lpad(g.plain, n, '0') FROM unnest(:lengths::int[]) AS n WHERE n >= length(g.plain)) || g.plain AS alike
    FROM given g
)
SELECT b.line, b.place, b.value, 'zeros_differ' AS reason FROM beside b
 WHERE b.first <> b.value
    OR (b.place = 'number' AND EXISTS (SELECT FROM meter m
         WHERE m.tenant_id = b.tenant_id AND m.number = ANY (b.alike) AND m.number <> b.value))
    OR (b.place = 'customer_code' AND EXISTS (SELECT FROM customer c
         WHERE c.tenant_id = b.tenant_id AND c.code = ANY (b.alike) AND c.code <> b.value))
ORDER BY 1, 2

-- name: leave_out
-- The rows that cannot.
DELETE FROM import_row WHERE line = ANY (:lines::int[])

-- name: changed_customers
-- Customers whose search text changes with this chunk.
SELECT DISTINCT c.customer_id FROM import_row r JOIN customer c ON c.tenant_id = r.tenant_id AND c.code = r.customer_code
 WHERE (c.name, c.address) IS DISTINCT FROM (coalesce(r.customer_name, c.name), coalesce(r.customer_address, c.address))

-- name: changed_records
-- Customers of whom the chunk says something else than their record: a form that was opened before is stale then.
SELECT DISTINCT c.customer_id FROM import_row r JOIN customer c ON c.tenant_id = r.tenant_id AND c.code = r.customer_code
 WHERE (c.name, c.address, c.is_protected, c.is_critical) IS DISTINCT FROM (coalesce(r.customer_name, c.name),
       coalesce(r.customer_address, c.address), coalesce(r.is_protected, c.is_protected), coalesce(r.is_critical, c.is_critical))

-- name: renew_records
-- Their next revision.
UPDATE customer SET revision = revision + 1 WHERE tenant_id = :tenant_id AND customer_id = ANY (:customer_ids::bigint[])

-- name: move_in_customers
-- Customers whom the chunk gives to meters at accounts that nobody holds: they move in now, an act as any other.
WITH came AS (
  SELECT DISTINCT ON (i.account_id) i.account_id, m.meter_id, m.customer_id
    FROM import_key k JOIN meter m ON m.meter_id = k.meter_id AND m.customer_id = k.customer_id
    JOIN installation i ON i.meter_id = m.meter_id AND upper_inf(i.during)
   WHERE k.known AND NOT EXISTS (SELECT FROM account_holder h WHERE h.account_id = i.account_id AND upper_inf(h.during))
   ORDER BY i.account_id, k.line
), acts AS (
  INSERT INTO account_act (tenant_id, account_id, kind, at, customer_id, key, reason)
  SELECT :tenant_id, account_id, 'move_in', now(), customer_id, 'import:' || account_id || ':' || now()::text, 'import' FROM came
), newer AS (
  UPDATE account a SET revision = a.revision + 1 FROM came c WHERE a.account_id = c.account_id
)
INSERT INTO account_holder (account_id, tenant_id, customer_id, during)
SELECT account_id, :tenant_id, customer_id, tstzrange(now(), NULL) FROM came

-- name: import_phones
-- Phones that the chunk gives its customers, to be sealed.
SELECT DISTINCT ON (c.customer_id) c.customer_id, r.phone FROM import_row r JOIN customer c ON c.tenant_id = r.tenant_id AND c.code = r.customer_code
 WHERE r.phone IS NOT NULL ORDER BY c.customer_id, r.line

-- name: put_phones
-- Sealed (migration 0149); one that was there before is replaced where it was another.
SELECT put_import_phones(:tenant_id, :key_id, :customer_ids::bigint[], :nonces::bytea[], :sealed::bytea[], :blinds::bytea[])

-- name: import_rows
-- Writes the chunk, set by set (migration 0003); which meters came ('i') and which changed ('u').
SELECT meter_id, change FROM import_rows(:tenant_id)

-- name: staged_rows
-- The first rows of the chunk, with their meters once they are written.
SELECT r.line, r.number, r.product, r.area, r.address, m.meter_id
  FROM import_row r LEFT JOIN meter m ON m.tenant_id = r.tenant_id AND m.number = r.number
 ORDER BY r.line LIMIT :most

-- name: set_critical
-- Beside import_rows(), which is older than the flag; an empty cell keeps what is stored, as there.
UPDATE customer c SET is_critical = r.is_critical
  FROM (SELECT DISTINCT ON (customer_code) tenant_id, customer_code, is_critical FROM import_row WHERE is_critical IS NOT NULL
         ORDER BY customer_code, line) r
 WHERE c.tenant_id = r.tenant_id AND c.code = r.customer_code AND c.is_critical <> r.is_critical

-- name: note_meters_before
-- For an undo (ADR 0052): what meters are that the chunk may change, before it does. Of an unchanged file none is noted.
INSERT INTO import_before (meter_id, before)
SELECT m.meter_id, imported_columns(m)
  FROM import_row r JOIN meter m ON m.tenant_id = r.tenant_id AND m.number = r.number
  JOIN product p ON p.product_id = m.product_id JOIN area a ON a.area_id = m.area_id LEFT JOIN customer c ON c.customer_id = m.customer_id
 WHERE (m.bar_code, m.imei, m.imsi, m.iccid, p.code, a.code, c.code, m.address, m.place, m.dn, m.qmax_l_h, m.installed_on, m.expected_from)
    IS DISTINCT FROM
       (coalesce(r.bar_code, m.bar_code), coalesce(r.imei, m.imei), coalesce(r.imsi, m.imsi), coalesce(r.iccid, m.iccid), r.product, r.area,
        coalesce(r.customer_code, c.code), coalesce(r.address, m.address), coalesce(r.place, m.place), coalesce(r.dn, m.dn),
        coalesce(r.qmax_l_h, m.qmax_l_h), r.installed_on, coalesce(r.expected_from, m.expected_from))

-- name: note_customers_before
-- The same of customers: those nobody knows yet, and those of whom the chunk says something else.
INSERT INTO import_customer_before (code, before)
SELECT DISTINCT ON (r.customer_code) r.customer_code, CASE WHEN c.customer_id IS NOT NULL THEN imported_customer(c) END
  FROM import_row r LEFT JOIN customer c ON c.tenant_id = r.tenant_id AND c.code = r.customer_code
 WHERE r.customer_code IS NOT NULL
   AND (c.customer_id IS NULL OR r.phone IS NOT NULL OR (c.name, c.address, c.is_protected, c.is_critical) IS DISTINCT FROM (coalesce(r.customer_name, c.name),
       coalesce(r.customer_address, c.address), coalesce(r.is_protected, c.is_protected), coalesce(r.is_critical, c.is_critical)))

-- name: note_changes
-- What became of the chunk's meters: new ones without a word of before.
INSERT INTO import_change (job_id, tenant_id, meter_id, line, before, after)
SELECT :job_id::bigint, :tenant_id::int, k.meter_id, k.line, NULL::jsonb, NULL::jsonb FROM import_key k WHERE NOT k.known
UNION ALL
SELECT :job_id::bigint, :tenant_id::int, m.meter_id, k.line, b.before, imported_columns(m)
  FROM import_key k JOIN import_before b USING (meter_id) JOIN meter m USING (meter_id)
 WHERE k.known AND b.before <> imported_columns(m)
RETURNING before IS NULL AS is_new

-- name: note_customers
-- And of its customers. One that comes again in a later chunk was before what it was before the first.
INSERT INTO import_customer (job_id, tenant_id, customer_id, before, after)
SELECT :job_id::bigint, :tenant_id::int, c.customer_id, b.before,
       CASE WHEN b.before IS NULL THEN jsonb_build_object('revision', c.revision) ELSE imported_customer(c) END
  FROM import_customer_before b JOIN customer c ON c.tenant_id = b.tenant_id AND c.code = b.code
 WHERE b.before IS NULL OR b.before <> imported_customer(c)
ON CONFLICT (job_id, customer_id) DO UPDATE
   SET after = CASE WHEN import_customer.before IS NULL THEN jsonb_build_object('revision', (SELECT c.revision FROM customer c WHERE c.customer_id = excluded.customer_id))
                    ELSE excluded.after END

-- name: empty_before
-- Before each chunk.
TRUNCATE import_before, import_customer_before

-- name: make_meters_before
-- Beside the staging tables.
CREATE TEMPORARY TABLE import_before (meter_id bigint PRIMARY KEY, before jsonb NOT NULL) ON COMMIT DROP

-- name: make_customers_before
-- The same.
CREATE TEMPORARY TABLE import_customer_before (
  code text PRIMARY KEY, before jsonb, tenant_id int NOT NULL DEFAULT current_setting('openmains.import_tenant')::int
) ON COMMIT DROP

-- name: drop_before
-- Of an import before in the same session.
DROP TABLE IF EXISTS pg_temp.import_before, pg_temp.import_customer_before

-- name: note_areas
-- Areas that the file made.
INSERT INTO import_area (job_id, tenant_id, area_id) SELECT :job_id::bigint, :tenant_id::int, * FROM unnest(:area_ids::int[])

-- name: forget_changes
-- Of imports that are too old to be undone.
DELETE FROM import_change c USING job j WHERE c.tenant_id = :tenant_id AND j.job_id = c.job_id AND j.created_at < now() - interval '30 days'

-- name: forget_customers
-- The same of their customers.
DELETE FROM import_customer c USING job j WHERE c.tenant_id = :tenant_id AND j.job_id = c.job_id AND j.created_at < now() - interval '30 days'

-- name: forget_tags
-- And of tags.
DELETE FROM import_tag c USING job j WHERE c.tenant_id = :tenant_id AND j.job_id = c.job_id AND j.created_at < now() - interval '30 days'
