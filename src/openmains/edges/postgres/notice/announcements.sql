-- SPDX-License-Identifier: Apache-2.0
-- Announcements to customers (migration 0101): role openmains_api, one tenant.

-- name: announcements
-- Newest first, or one; with what became of its notices.
SELECT a.announcement_id, a.state, a.topic, a.title_zh, a.title_en, a.text_zh, a.text_en, a.language, a.area_id, a.customer_class, a.medium,
       a.channel_id, a.made_by, a.made_us, a.approved_us, a.cancelled_us, a.recipients, a.unreachable, coalesce(c.name, '') AS channel, m.name AS made_by_name, coalesce(p.name, '') AS approved_by_name,
       coalesce(x.name, '') AS cancelled_by_name, n.waiting, n.accepted, n.failed
  FROM announcement a JOIN app_user m ON m.user_id = a.made_by
       LEFT JOIN notice_channel c ON c.tenant_id = a.tenant_id AND c.channel_id = a.channel_id
       LEFT JOIN app_user p ON p.user_id = a.approved_by LEFT JOIN app_user x ON x.user_id = a.cancelled_by
       CROSS JOIN LATERAL (
         SELECT count(*) FILTER (WHERE state IN ('waiting', 'sending')) AS waiting, count(*) FILTER (WHERE state = 'accepted') AS accepted,
                count(*) FILTER (WHERE state = 'failed') AS failed
           FROM notice WHERE tenant_id = :tenant_id AND subject = 'announcement:' || a.announcement_id AND subject <> '') n
 WHERE a.tenant_id = :tenant_id AND (:announcement_id::bigint IS NULL OR a.announcement_id = :announcement_id)
   AND (:after::bigint IS NULL OR a.announcement_id < :after)
 ORDER BY a.announcement_id DESC LIMIT :most

-- name: lock_announcement
-- Until the end of the transaction.
SELECT announcement_id FROM announcement WHERE tenant_id = :tenant_id AND announcement_id = :announcement_id FOR UPDATE

-- name: add_announcement
-- A draft.
INSERT INTO announcement (tenant_id, topic, title_zh, title_en, text_zh, text_en, language, area_id, customer_class, medium, channel_id,
                          made_by, made_us)
VALUES (:tenant_id, :topic, :title_zh, :title_en, :text_zh, :text_en, :language, :area_id, :customer_class, :medium, :channel_id,
        :user_id, :now_us)
RETURNING announcement_id

-- name: preview_audience
-- Customers that it concerns, by area and in all (area null): who holds an open account there now, and who of them has a phone.
WITH reached AS (
  SELECT DISTINCT h.customer_id, p.area_id FROM account a JOIN premises p ON p.premises_id = a.premises_id
    JOIN account_holder h ON h.account_id = a.account_id AND upper_inf(h.during)
    JOIN customer c ON c.customer_id = h.customer_id
   WHERE a.tenant_id = :tenant_id AND a.closed_at IS NULL AND (:medium::text IS NULL OR a.medium = :medium)
     AND (:customer_class::text IS NULL OR c.customer_class = :customer_class)
     AND (:area_id::int IS NULL OR p.area_id IN
          (SELECT b.area_id FROM area t JOIN area b ON b.tenant_id = t.tenant_id AND b.path >= t.path AND b.path < t.path_end
            WHERE t.tenant_id = :tenant_id AND t.area_id = :area_id))),
phones AS (
  SELECT r.customer_id, r.area_id, (c.phone <> '' OR EXISTS (SELECT FROM personal s WHERE s.customer_id = r.customer_id
         AND s.contact_id IS NULL AND s.field = 'phone')) AS has_phone
    FROM reached r JOIN customer c ON c.customer_id = r.customer_id)
SELECT NULL::int AS area_id, '' AS area, count(DISTINCT customer_id) AS customers,
       count(DISTINCT customer_id) FILTER (WHERE has_phone) AS reachable FROM phones
UNION ALL
(SELECT f.area_id, b.name, count(*), count(*) FILTER (WHERE f.has_phone) FROM phones f JOIN area b ON b.area_id = f.area_id
  GROUP BY f.area_id, b.name ORDER BY count(*) DESC, f.area_id LIMIT 20)

-- name: send_announcement
-- Approved, with a notice to each customer whom it concerns and who has a phone.
WITH reached AS (
  SELECT DISTINCT h.customer_id FROM account a JOIN premises p ON p.premises_id = a.premises_id
    JOIN account_holder h ON h.account_id = a.account_id AND upper_inf(h.during)
    JOIN customer c ON c.customer_id = h.customer_id
   WHERE a.tenant_id = :tenant_id AND a.closed_at IS NULL AND (:medium::text IS NULL OR a.medium = :medium)
     AND (:customer_class::text IS NULL OR c.customer_class = :customer_class)
     AND (:area_id::int IS NULL OR p.area_id IN
          (SELECT b.area_id FROM area t JOIN area b ON b.tenant_id = t.tenant_id AND b.path >= t.path AND b.path < t.path_end
            WHERE t.tenant_id = :tenant_id AND t.area_id = :area_id))),
phones AS (
  SELECT r.customer_id, (c.phone <> '' OR EXISTS (SELECT FROM personal s WHERE s.customer_id = r.customer_id
         AND s.contact_id IS NULL AND s.field = 'phone')) AS has_phone
    FROM reached r JOIN customer c ON c.customer_id = r.customer_id),
made AS (
  INSERT INTO notice (tenant_id, key, kind, state, severity, subject, customer_id, channel_id, facts, made_us, due_us)
  SELECT :tenant_id, 'announcement:' || :announcement_id::bigint || ':' || customer_id, 'announcement', 'waiting', :severity,
         'announcement:' || :announcement_id::bigint, customer_id, :channel_id, :facts::jsonb, :now_us, :now_us
    FROM phones WHERE has_phone ORDER BY customer_id
  ON CONFLICT (tenant_id, key) DO NOTHING RETURNING 1)
UPDATE announcement SET state = 'approved', approved_by = :user_id, approved_us = :now_us, recipients = (SELECT count(*) FROM made),
       unreachable = (SELECT count(*) FROM phones WHERE NOT has_phone)
 WHERE tenant_id = :tenant_id AND announcement_id = :announcement_id

-- name: cancel_announcement
-- What waits is not sent; what is on its way ends as it ends.
WITH ended AS (
  UPDATE notice SET state = 'failed', reason = 'cancelled'
   WHERE tenant_id = :tenant_id AND subject = 'announcement:' || :announcement_id::bigint AND subject <> '' AND state = 'waiting' RETURNING 1),
done AS (
  UPDATE announcement SET state = 'cancelled', cancelled_by = :user_id, cancelled_us = :now_us
   WHERE tenant_id = :tenant_id AND announcement_id = :announcement_id)
SELECT count(*) FROM ended
