-- SPDX-License-Identifier: Apache-2.0
-- Client applications: accounts of other systems with scopes, bound devices and secrets (0119).

-- name: applications
-- Of a tenant, from one on, or one of them. Whoever is responsible counts only where all rights hold everywhere.
SELECT c.application_id, c.client_id, u.name, c.scopes, u.places, u.media, u.products, c.addresses, c.rate, c.expires_at, c.made_by, c.made_at,
       c.last_used_at, c.revoked_at, c.revision, c.responsible_id, h.name AS responsible,
       CASE WHEN c.revoked_at IS NOT NULL THEN 'revoked' WHEN c.expires_at <= now() THEN 'expired'
            WHEN NOT h.disabled AND h.places = '{}' AND h.media = '{}' AND h.products = '{}' THEN 'active' ELSE 'unanswered' END AS state,
       ARRAY(SELECT m.number FROM unnest(c.meters) WITH ORDINALITY AS b (meter_id, place) JOIN meter m USING (meter_id) ORDER BY b.place) AS meters,
       coalesce((SELECT jsonb_agg(jsonb_build_object('made_at', s.made_at, 'expires_at', s.expires_at) ORDER BY s.made_at DESC)
                   FROM client_secret s WHERE s.application_id = c.application_id AND (s.expires_at IS NULL OR s.expires_at > now())), '[]') AS terms
  FROM client_application c JOIN app_user u ON u.user_id = c.application_id LEFT JOIN app_user h ON h.user_id = c.responsible_id
 WHERE c.tenant_id = :tenant_id AND c.application_id > :after AND (:application_id::bigint IS NULL OR c.application_id = :application_id)
 ORDER BY c.application_id LIMIT :most

-- name: known_numbers
-- Meters of these numbers.
SELECT meter_id, number FROM meter WHERE tenant_id = :tenant_id AND number = ANY (:numbers::text[])

-- name: add_application_account
-- Its row among the people, which no password opens.
INSERT INTO app_user (tenant_id, login, name, password_hash, role, places, media, products)
VALUES (:tenant_id, :client_id, :name, '!', 'application', :places::int[], :media::text[], :products::int[]) RETURNING user_id

-- name: add_application
-- What only a machine has.
INSERT INTO client_application (application_id, tenant_id, client_id, scopes, meters, addresses, rate, responsible_id, made_by, expires_at)
VALUES (:application_id, :tenant_id, :client_id, :scopes::text[], :meters::bigint[], :addresses::text[], :rate, :responsible_id, :made_by,
        :expires_at)

-- name: change_application
-- No row where it was changed meanwhile.
UPDATE client_application SET scopes = :scopes::text[], meters = :meters::bigint[], addresses = :addresses::text[], rate = :rate,
       expires_at = :expires_at, revision = revision + 1
 WHERE tenant_id = :tenant_id AND application_id = :application_id AND revision = :revision RETURNING application_id

-- name: change_application_account
-- Its name and reach.
UPDATE app_user SET name = :name, places = :places::int[], media = :media::text[], products = :products::int[]
 WHERE tenant_id = :tenant_id AND user_id = :application_id

-- name: take_over_application
-- Somebody else is responsible.
UPDATE client_application SET responsible_id = :responsible_id, revision = revision + 1
 WHERE tenant_id = :tenant_id AND application_id = :application_id

-- name: add_client_secret
-- One more.
INSERT INTO client_secret (secret_hash, tenant_id, application_id) VALUES (:secret_hash, :tenant_id, :application_id)

-- name: end_client_secrets
-- The newest one until then at most; those before it at once.
UPDATE client_secret s SET expires_at = least(s.expires_at, CASE WHEN s.secret_hash = n.secret_hash THEN :until ELSE now() END)
  FROM (SELECT secret_hash FROM client_secret WHERE application_id = :application_id ORDER BY made_at DESC, secret_hash LIMIT 1) n
 WHERE s.tenant_id = :tenant_id AND s.application_id = :application_id

-- name: forget_client_secrets
-- Those that are over; with ``everything`` all.
DELETE FROM client_secret WHERE tenant_id = :tenant_id AND application_id = :application_id AND (:everything OR expires_at <= now())

-- name: revoke_application
-- For good.
UPDATE client_application SET revoked_at = now(), revision = revision + 1
 WHERE tenant_id = :tenant_id AND application_id = :application_id AND revoked_at IS NULL RETURNING application_id

-- name: add_access
-- A new access token.
INSERT INTO session (session_hash, user_id, tenant_id, expires_at, address, scopes)
VALUES (:token_hash, :application_id, :tenant_id, :expires_at, :address, :scopes::text[])

-- name: keep_newest_access
-- The oldest end where it has more than ``most``.
DELETE FROM session WHERE tenant_id = :tenant_id AND user_id = :application_id AND session_hash IN
  (SELECT session_hash FROM session WHERE user_id = :application_id ORDER BY created_at DESC, session_hash OFFSET :most)

-- name: note_application_use
-- It asked something.
UPDATE client_application SET last_used_at = now() WHERE tenant_id = :tenant_id AND application_id = :application_id
