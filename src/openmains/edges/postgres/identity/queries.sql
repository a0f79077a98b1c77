-- SPDX-License-Identifier: Apache-2.0
-- People, sessions, tokens, the audit trail. What looks across tenants is a function of the schema's owner (0001, 0002).

-- name: only_tenant_code
-- Code of the tenant when there is exactly one.
SELECT only_tenant_code()

-- name: find_sign_in
-- Who signs in, before a tenant is known, and what is known of the place.
SELECT * FROM find_sign_in(:tenant_code, :login, :address, :browser)

-- name: find_credential
-- Whose session or token this is, if it is valid now.
SELECT * FROM find_credential(:secret_hash)

-- name: find_application
-- Which client application asks for a token, and whether the secret is its own.
SELECT * FROM find_application(:client_id, :secret_hash)

-- name: users
-- Of a tenant, from one on; accounts of applications are none of its people.
SELECT user_id, login, name, role, locale, disabled, must_change, created_at, places, media, products,
       (SELECT max(p.locked_until) FROM sign_in_place p WHERE p.user_id = u.user_id AND p.locked_until > now()) AS locked_until
  FROM app_user u WHERE tenant_id = :tenant_id AND user_id > :after AND role <> 'application' ORDER BY user_id LIMIT :most

-- name: user
-- One of them.
SELECT user_id, login, name, role, locale, disabled, must_change, created_at, places, media, products,
       (SELECT max(p.locked_until) FROM sign_in_place p WHERE p.user_id = u.user_id AND p.locked_until > now()) AS locked_until
  FROM app_user u WHERE tenant_id = :tenant_id AND user_id = :user_id AND role <> 'application'

-- name: add_user
-- No row where the login is taken. The new user must change the password.
INSERT INTO app_user (tenant_id, login, name, password_hash, role, locale, must_change, places, media, products)
VALUES (:tenant_id, :login, :name, :password_hash, :role, :locale, true, :places::int[], :media::text[], :products::int[])
ON CONFLICT DO NOTHING
RETURNING user_id, login, name, role, locale, disabled, must_change, created_at, NULL::timestamptz AS locked_until, places, media, products

-- name: change_user
-- Fields that the changes name; all others stay.
UPDATE app_user u
   SET (name, role, locale, disabled, must_change, places, media, products) =
       (SELECT n.name, n.role, n.locale, n.disabled, n.must_change, n.places, n.media, n.products
          FROM jsonb_populate_record(u, :changes::jsonb) n)
 WHERE tenant_id = :tenant_id AND user_id = :user_id
RETURNING user_id, login, name, role, locale, disabled, must_change, created_at, places, media, products,
       (SELECT max(p.locked_until) FROM sign_in_place p WHERE p.user_id = u.user_id AND p.locked_until > now()) AS locked_until

-- name: unknown_places
-- Of these those that are no areas of the tenant.
SELECT x AS place FROM unnest(:places::int[]) AS x WHERE NOT EXISTS (SELECT FROM area a WHERE a.tenant_id = :tenant_id AND a.area_id = x)

-- name: unknown_products
-- Of these those that are no products of the tenant.
SELECT x AS product FROM unnest(:products::int[]) AS x WHERE NOT EXISTS (SELECT FROM product p WHERE p.tenant_id = :tenant_id AND p.product_id = x)

-- name: remove_user
-- With all sessions and tokens.
DELETE FROM app_user WHERE tenant_id = :tenant_id AND user_id = :user_id

-- name: password_hash
-- Of a user.
SELECT password_hash FROM app_user WHERE tenant_id = :tenant_id AND user_id = :user_id

-- name: set_password
-- A new one.
UPDATE app_user SET password_hash = :password_hash, must_change = :must_change
 WHERE tenant_id = :tenant_id AND user_id = :user_id

-- name: failures_at
-- Of one place, and until when it is locked; no row: none.
SELECT failed_count, locked_until FROM sign_in_place WHERE tenant_id = :tenant_id AND user_id = :user_id AND place = :place

-- name: note_failure
-- One more failure at a place, at least so many.
INSERT INTO sign_in_place AS p (tenant_id, user_id, place, failed_count, failed_at, locked_until)
VALUES (:tenant_id, :user_id, :place, :failures, now(), :locked_until)
ON CONFLICT (user_id, place) DO UPDATE SET failed_count = greatest(p.failed_count + 1, excluded.failed_count), failed_at = now(),
       locked_until = excluded.locked_until

-- name: note_known
-- The right password was given there.
INSERT INTO sign_in_place (tenant_id, user_id, place, known_at) VALUES (:tenant_id, :user_id, :place, now())
ON CONFLICT (user_id, place) DO UPDATE SET failed_count = 0, failed_at = NULL, locked_until = NULL, known_at = now()

-- name: forget_places
-- Strange ones after two quiet days; of a person's own those used within 400 days, the newest fifty.
DELETE FROM sign_in_place p
 WHERE tenant_id = :tenant_id
   AND (known_at IS NULL AND failed_at < now() - interval '2 days' AND (locked_until IS NULL OR locked_until < now())
        OR known_at < now() - interval '400 days'
        OR known_at IS NOT NULL AND user_id = :user_id AND place NOT IN
           (SELECT n.place FROM sign_in_place n WHERE n.user_id = :user_id AND n.known_at IS NOT NULL ORDER BY n.known_at DESC LIMIT 50))

-- name: clear_failures
-- Of a person: no place is locked any more.
DELETE FROM sign_in_place WHERE tenant_id = :tenant_id AND user_id = :user_id AND failed_count > 0

-- name: own_roles
-- Those that the utility made.
SELECT role_id, name, permissions, revision FROM own_role WHERE tenant_id = :tenant_id ORDER BY name, role_id

-- name: people_by_role
-- How many have each.
SELECT role, count(*) AS people FROM app_user WHERE tenant_id = :tenant_id GROUP BY role

-- name: add_own_role
-- No row where the name is taken.
INSERT INTO own_role (tenant_id, name, permissions) VALUES (:tenant_id, :name, :permissions::text[])
ON CONFLICT DO NOTHING
RETURNING role_id, name, permissions, revision

-- name: change_own_role
-- No row where somebody changed it meanwhile.
UPDATE own_role SET name = :name, permissions = :permissions::text[], revision = revision + 1
 WHERE tenant_id = :tenant_id AND role_id = :role_id AND revision = :revision
RETURNING role_id

-- name: forget_spent_tokens
-- Tokens of a role that are never valid again: the trail has them, and the role could not go while their rows name it.
DELETE FROM api_token WHERE tenant_id = :tenant_id AND own_role_id = :role_id AND (revoked_at IS NOT NULL OR expires_at <= now())

-- name: remove_own_role
-- Refused by the tables while a person or a token has it.
DELETE FROM own_role WHERE tenant_id = :tenant_id AND role_id = :role_id

-- name: lock_administrators
-- Enabled ones whose rights are not limited. Locked, so that two administrators cannot remove each other at the same time.
SELECT user_id FROM app_user WHERE tenant_id = :tenant_id AND role = 'administrator' AND NOT disabled
   AND places = '{}' AND media = '{}' AND products = '{}'
 ORDER BY user_id FOR UPDATE

-- name: forget_sessions
-- Those that are over.
DELETE FROM session WHERE expires_at < now()

-- name: add_session
-- A user signed in.
INSERT INTO session (session_hash, user_id, tenant_id, expires_at, address)
VALUES (:secret_hash, :user_id, :tenant_id, :expires_at, :address)

-- name: extend_session
-- A session that is used lasts longer, a week at most.
UPDATE session
   SET last_used_at = now(), expires_at = greatest(expires_at, least(:expires_at, created_at + interval '7 days'))
 WHERE session_hash = :secret_hash

-- name: touch_token
-- A token was used.
UPDATE api_token SET last_used_at = now() WHERE token_hash = :secret_hash

-- name: end_session
-- A user signed out.
DELETE FROM session WHERE session_hash = :secret_hash

-- name: end_sessions_of
-- All of a user but perhaps one.
DELETE FROM session WHERE user_id = :user_id AND (:keep::bytea IS NULL OR session_hash <> :keep)

-- name: tokens
-- Of a tenant or one user, from one on.
SELECT token_id, user_id, name, role, created_at, expires_at, last_used_at, revoked_at
  FROM api_token
 WHERE tenant_id = :tenant_id AND token_id > :after AND (:user_id::bigint IS NULL OR user_id = :user_id)
 ORDER BY token_id LIMIT :most

-- name: token
-- One of them.
SELECT token_id, user_id, name, role, created_at, expires_at, last_used_at, revoked_at
  FROM api_token WHERE tenant_id = :tenant_id AND token_id = :token_id

-- name: add_token
-- A new one.
INSERT INTO api_token (tenant_id, user_id, name, token_hash, role, expires_at)
VALUES (:tenant_id, :user_id, :name, :secret_hash, :role, :expires_at)
RETURNING token_id, user_id, name, role, created_at, expires_at, last_used_at, revoked_at

-- name: revoke_token
-- It is never valid again.
UPDATE api_token SET revoked_at = now() WHERE tenant_id = :tenant_id AND token_id = :token_id AND revoked_at IS NULL

-- name: revoke_tokens_of
-- All of a user.
UPDATE api_token SET revoked_at = now() WHERE tenant_id = :tenant_id AND user_id = :user_id AND revoked_at IS NULL

-- name: record
-- A line of the trail.
INSERT INTO audit (tenant_id, user_id, actor, action, object_type, object_id, before, after, reason, address, request_id)
VALUES (:tenant_id, :user_id, :actor, :action, :object_type, :object_id, :before, :after, :reason, :address, :request_id)

-- name: trail
-- Of a tenant; a filter that is null takes all, and the order follows (audit.py). What an act was done to is named as people know it, by the number of
-- its meter where it has no name of its own; what is gone has none.
SELECT audit_id, at, user_id, actor, action, object_type, object_id,
       CASE WHEN object_id ~ '^[0-9]{1,18}$' THEN CASE object_type
         WHEN 'meter' THEN (SELECT m.number FROM meter m WHERE m.meter_id = object_id::bigint)
         WHEN 'alarm' THEN (SELECT coalesce(m.number, l.node) FROM alarm l LEFT JOIN meter m USING (meter_id) WHERE l.alarm_id = object_id::bigint)
         WHEN 'area' THEN (SELECT a.name FROM area a WHERE a.area_id = object_id::bigint)
         WHEN 'product' THEN (SELECT p.code FROM product p WHERE p.product_id = object_id::bigint)
         WHEN 'user' THEN (SELECT u.login FROM app_user u WHERE u.user_id = object_id::bigint)
         WHEN 'command' THEN (SELECT m.number FROM command c JOIN meter m USING (meter_id) WHERE c.command_id = object_id::bigint)
         WHEN 'command_batch' THEN (SELECT b.name FROM command_batch b WHERE b.batch_id = object_id::bigint)
         WHEN 'reading_exception' THEN (SELECT m.number FROM reading_exception x JOIN meter m USING (meter_id) WHERE x.exception_id = object_id::bigint)
         WHEN 'reading_edit' THEN (SELECT m.number FROM reading_edit e JOIN meter m USING (meter_id) WHERE e.edit_id = object_id::bigint)
         WHEN 'manual_reading' THEN (SELECT m.number FROM manual_reading r JOIN meter m USING (meter_id) WHERE r.reading_id = object_id::bigint)
         WHEN 'dead_letter' THEN (SELECT m.number FROM dead_letter d JOIN meter m USING (meter_id) WHERE d.dead_letter_id = object_id::bigint)
         WHEN 'job' THEN (SELECT j.params ->> 'file_name' FROM job j WHERE j.job_id = object_id::bigint)
         WHEN 'application' THEN (SELECT u.name FROM app_user u WHERE u.user_id = object_id::bigint)
         WHEN 'api_token' THEN (SELECT t.name FROM api_token t WHERE t.token_id = object_id::bigint)
         WHEN 'saved_query' THEN (SELECT q.name FROM saved_query q WHERE q.saved_id = object_id::bigint)
         WHEN 'tariff' THEN (SELECT f.name FROM tariff f WHERE f.tariff_id = object_id::bigint)
         WHEN 'tariff_plan' THEN (SELECT f.name || ' ' || n.number FROM tariff_plan n JOIN tariff f USING (tariff_id) WHERE n.plan_id = object_id::bigint)
         WHEN 'premises' THEN (SELECT s.code FROM premises s WHERE s.premises_id = object_id::bigint)
       END END AS object_name,
       before, after, reason, address, request_id
  FROM audit
 WHERE tenant_id = :tenant_id
   AND (:object_type::text IS NULL OR object_type = :object_type) AND (:object_id::text IS NULL OR object_id = :object_id)
   AND (:user_id::bigint IS NULL OR user_id = :user_id) AND (:action::text IS NULL OR action = :action)
   AND (:since::timestamptz IS NULL OR at >= :since) AND (:until::timestamptz IS NULL OR at < :until)

-- name: make_tenant
-- What exists stays as it is.
INSERT INTO tenant (code, name, zone) VALUES (:code, :name, :zone)
ON CONFLICT (code) DO UPDATE SET code = excluded.code
RETURNING tenant_id

-- name: make_root_area
-- The same.
INSERT INTO area (tenant_id, code, name) VALUES (:tenant_id, 'all', :name) ON CONFLICT DO NOTHING

-- name: make_area_kinds
-- The same of what its areas are called.
SELECT seed_area_kinds(:tenant_id), seed_lifetime_rules(:tenant_id)

-- name: user_of_login
-- Whose login this is.
SELECT user_id FROM app_user WHERE tenant_id = :tenant_id AND login = :login

-- name: make_administrator
-- The first one of a tenant.
INSERT INTO app_user (tenant_id, login, name, password_hash, role, locale, must_change)
VALUES (:tenant_id, :login, :name, :password_hash, 'administrator', :locale, :must_change)
RETURNING user_id

-- name: record_first_user
-- In the trail; nobody made it.
INSERT INTO audit (tenant_id, actor, action, object_type, object_id, after)
VALUES (:tenant_id, 'system', 'create_user', 'user', :user_id, jsonb_build_object('login', :login::text))

-- name: tenants
-- All of the platform, by code.
SELECT tenant_id, code, name, zone FROM tenant ORDER BY code

-- name: meters_in_use
-- How many each tenant has. Reads the whole registry.
SELECT tenant_id, count(*) AS meters FROM meter WHERE removed_on IS NULL
   AND product_id NOT IN (SELECT product_id FROM product WHERE kind <> 'meter') GROUP BY tenant_id

-- name: add_account
-- By a person at the machine; no row where the login is taken.
INSERT INTO app_user (tenant_id, login, name, password_hash, role, must_change)
VALUES (:tenant_id, :login, :name, :password_hash, :role, true)
ON CONFLICT DO NOTHING
RETURNING true

-- name: restore_account
-- A new password, not disabled; no row where nobody has the login.
UPDATE app_user SET password_hash = :password_hash, must_change = true, disabled = false
 WHERE tenant_id = :tenant_id AND login = :login AND role <> 'application'
RETURNING true

-- name: end_sessions_of_login
-- All of them.
DELETE FROM session s USING app_user u
 WHERE u.user_id = s.user_id AND u.tenant_id = :tenant_id AND u.login = :login

-- name: revoke_tokens_of_login
-- All of them: whoever knew the old password may have made one.
UPDATE api_token k SET revoked_at = now() FROM app_user u
 WHERE u.user_id = k.user_id AND u.tenant_id = :tenant_id AND u.login = :login AND k.revoked_at IS NULL

-- name: unlock_login
-- No place is locked for it any more.
DELETE FROM sign_in_place p USING app_user u
 WHERE u.user_id = p.user_id AND u.tenant_id = :tenant_id AND u.login = :login AND p.failed_count > 0

-- name: record_at_machine
-- In the trail; who sat there is not known.
INSERT INTO audit (tenant_id, actor, action, object_type, object_id)
VALUES (:tenant_id, 'openmains user', :action, 'user', :login)

-- name: preferences
-- What a person set for themselves.
SELECT preferences FROM app_user WHERE tenant_id = :tenant_id AND user_id = :user_id

-- name: lock_preferences
-- The same, before it is changed: two pages that change different parts wait for each other.
SELECT preferences FROM app_user WHERE tenant_id = :tenant_id AND user_id = :user_id FOR NO KEY UPDATE

-- name: set_preferences
-- As they are now; the language where it is given.
UPDATE app_user SET preferences = :preferences::jsonb, locale = coalesce(:locale::text, locale)
 WHERE tenant_id = :tenant_id AND user_id = :user_id

-- name: list_views
-- A person's own, and those that are shared with one of these roles; of one page, or one of them.
SELECT v.view_id, v.page, v.name, v.query, v.shared_with, v.owner_id = :user_id AS is_own, u.name AS owner, v.changed_at
  FROM list_view v JOIN app_user u ON u.user_id = v.owner_id
 WHERE v.tenant_id = :tenant_id AND (v.owner_id = :user_id OR v.shared_with = ANY (:roles::text[]))
   AND (:page::text IS NULL OR v.page = :page) AND (:view_id::bigint IS NULL OR v.view_id = :view_id)
 ORDER BY v.page, v.name, v.view_id

-- name: count_list_views
-- How many a person keeps.
SELECT count(*) FROM list_view WHERE tenant_id = :tenant_id AND owner_id = :user_id

-- name: add_list_view
-- No row where the person has one of this name for the page.
INSERT INTO list_view (tenant_id, owner_id, page, name, shared_with, query) VALUES (:tenant_id, :user_id, :page, :name, :shared_with, :query::jsonb)
ON CONFLICT DO NOTHING RETURNING view_id

-- name: change_list_view
-- No row where its owner has another one of this name for the page.
UPDATE list_view v SET name = :name, shared_with = :shared_with, query = :query::jsonb, changed_at = now()
 WHERE v.tenant_id = :tenant_id AND v.view_id = :view_id
   AND NOT EXISTS (SELECT FROM list_view o WHERE o.tenant_id = v.tenant_id AND o.owner_id = v.owner_id AND o.page = v.page
                      AND o.name = :name AND o.view_id <> v.view_id)
RETURNING v.view_id

-- name: remove_list_view
-- Forgotten.
DELETE FROM list_view WHERE tenant_id = :tenant_id AND view_id = :view_id
