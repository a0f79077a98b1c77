-- SPDX-License-Identifier: Apache-2.0
-- Terminals, their findings, unknown terminals, and the keys of devices. The API's role cannot read the keys' columns.

-- name: registered_meters
-- What the registry says of a batch's meters; a product's choice on a wrong SIM goes before its tenant's.
SELECT m.meter_id, m.tenant_id, m.imei, m.imsi, m.iccid,
       coalesce(p.settings->>'on_sim_separated', a.on_sim_separated) AS on_separation
  FROM meter m JOIN product p USING (product_id) LEFT JOIN access_policy a ON a.tenant_id = m.tenant_id
 WHERE m.meter_id = ANY (:meter_ids::bigint[]) AND m.imei IS NOT NULL AND m.removed_on IS NULL

-- name: lock_terminals
-- The terminals of these pairs, locked in the order of IMEI: two shards cannot wait for each other.
SELECT imei, tenant_id, meter_id, state, score, score_at, held, reasons, seen_imsi, seen_iccid, address, online_since_us,
       last_handshake_us, handshakes, turns
  FROM terminal t
 WHERE (imei, tenant_id) IN (SELECT * FROM unnest(:imeis::bigint[], :tenant_ids::int[])) ORDER BY imei FOR UPDATE

-- name: write_terminals
-- As they were judged; when a step came, by whom and why stay where the step and the meter stay.
INSERT INTO terminal AS t (imei, tenant_id, meter_id, state, score, score_at, held, reasons, seen_imsi, seen_iccid, address,
                           online_since_us, last_handshake_us, handshakes, turns)
SELECT * FROM unnest(:imei::bigint[], :tenant_id::int[], :meter_id::bigint[], :state::text[], :score::int[],
                     :score_at::bigint[], :held::boolean[], :reasons::jsonb[], :seen_imsi::text[], :seen_iccid::text[],
                     :address::text[], :online_since_us::bigint[], :last_handshake_us::bigint[], :handshakes::bigint[],
                     :turns::jsonb[])
ON CONFLICT (imei, tenant_id) DO UPDATE
   SET state_at = CASE WHEN t.state = excluded.state AND t.meter_id = excluded.meter_id THEN t.state_at ELSE now() END,
       state_by = CASE WHEN t.state = excluded.state AND t.meter_id = excluded.meter_id THEN t.state_by END,
       note = CASE WHEN t.state = excluded.state AND t.meter_id = excluded.meter_id THEN t.note ELSE '' END,
       meter_id = excluded.meter_id, state = excluded.state, score = excluded.score,
       score_at = excluded.score_at, held = excluded.held, reasons = excluded.reasons, seen_imsi = excluded.seen_imsi,
       seen_iccid = excluded.seen_iccid, address = excluded.address, online_since_us = excluded.online_since_us,
       last_handshake_us = excluded.last_handshake_us, handshakes = excluded.handshakes, turns = excluded.turns

-- name: add_findings
-- What was found and what it led to.
INSERT INTO terminal_finding (tenant_id, meter_id, imei, kind, at_us, count, address, detail, score, state)
SELECT * FROM unnest(:tenant_id::int[], :meter_id::bigint[], :imei::bigint[], :kind::text[], :at_us::bigint[],
                     :count::int[], :address::text[], :detail::text[], :score::int[], :state::text[])

-- name: snapshot_horizon
-- Every transaction below this number has ended.
SELECT pg_snapshot_xmin(pg_current_snapshot())::text

-- name: terminals_not_allowed
-- Every step of a terminal that is still this meter's.
SELECT t.imei, t.state
  FROM terminal t JOIN meter m ON m.meter_id = t.meter_id AND m.imei = t.imei AND m.removed_on IS NULL
 WHERE t.state <> 'allowed'

-- name: changed_terminals
-- The step that terminals are on that changed in these transactions, or whose meter did.
WITH told AS (SELECT c.imei FROM terminal_change c WHERE c.xid >= :since::text::xid8 AND c.xid < :before::text::xid8
              UNION
              SELECT t.imei FROM identity_change c JOIN terminal t USING (meter_id)
               WHERE c.xid >= :since::text::xid8 AND c.xid < :before::text::xid8)
SELECT told.imei, coalesce((SELECT t.state FROM terminal t JOIN meter m ON m.meter_id = t.meter_id AND m.imei = t.imei
                             WHERE t.imei = told.imei AND m.removed_on IS NULL), 'allowed') AS state
  FROM told

-- name: sims_of
-- The registered SIM of meters in use.
SELECT imei, imsi, iccid FROM meter WHERE imei = ANY (:imeis::bigint[]) AND removed_on IS NULL

-- name: cells_of
-- The radio cell that the last report of meters in use came from.
SELECT m.imei, s.cell FROM meter m JOIN meter_state s USING (meter_id)
 WHERE m.imei = ANY (:imeis::bigint[]) AND m.removed_on IS NULL AND s.cell IS NOT NULL

-- name: note_unknown
-- Terminals that are nobody's meter. Whose is one? The one tenant's that has a key for it, else the only tenant's, else
-- nobody's (0). Of strangers without a key only so many are kept open.
INSERT INTO onboarding AS o (imei, tenant_id, first_us, last_us, attempts, address, proven)
SELECT u.imei,
       coalesce((SELECT min(k.tenant_id) FROM device_key k WHERE k.imei = u.imei HAVING count(*) = 1),
                (SELECT min(t.tenant_id) FROM tenant t HAVING count(*) = 1), 0),
       u.first_us, u.last_us, u.attempts, u.address, u.proven
  FROM unnest(:imei::bigint[], :first_us::bigint[], :last_us::bigint[], :attempts::bigint[], :address::text[],
              :proven::boolean[]) AS u(imei, first_us, last_us, attempts, address, proven)
 WHERE NOT EXISTS (SELECT FROM meter m WHERE m.imei = u.imei AND m.removed_on IS NULL)
   AND (u.proven OR EXISTS (SELECT FROM onboarding k WHERE k.imei = u.imei)
        OR (SELECT count(*) FROM onboarding k WHERE k.status = 'open' AND NOT k.proven) < :most_unproven)
ON CONFLICT (imei, tenant_id) DO UPDATE
   SET last_us = greatest(o.last_us, excluded.last_us), attempts = o.attempts + excluded.attempts,
       address = excluded.address, proven = o.proven OR excluded.proven,
       status = CASE WHEN o.status = 'accepted' THEN 'open' ELSE o.status END

-- name: note_refusals
-- Refused handshakes and registrations. Whose? The meter's tenant's, or the registered concentrator's, else as of unknown terminals. But for
-- meters only so many are kept.
INSERT INTO access_refusal AS a (tenant_id, name, imei, stage, reason, detail, address, first_us, last_us, attempts)
SELECT coalesce(own.tenant_id, r.tenant_id,
                (SELECT min(k.tenant_id) FROM device_key k WHERE k.imei = r.imei HAVING count(*) = 1),
                (SELECT min(t.tenant_id) FROM tenant t HAVING count(*) = 1), 0),
       r.name, r.imei, r.stage, r.reason, r.detail, r.address, r.first_us, r.last_us, r.attempts
  FROM unnest(:name::text[], :imei::bigint[], :stage::text[], :reason::text[], :detail::text[], :address::text[],
              :first_us::bigint[], :last_us::bigint[], :attempts::bigint[], :tenant_ids::int[])
       AS r(name, imei, stage, reason, detail, address, first_us, last_us, attempts, tenant_id)
  LEFT JOIN LATERAL (SELECT min(m.tenant_id) AS tenant_id FROM meter m
                      WHERE m.imei = r.imei AND m.removed_on IS NULL) own ON true
 WHERE own.tenant_id IS NOT NULL
    OR (SELECT count(*) FROM (SELECT FROM access_refusal LIMIT :most_nobodys) kept) < :most_nobodys
ON CONFLICT (tenant_id, name, stage, reason) DO UPDATE
   SET last_us = greatest(a.last_us, excluded.last_us), attempts = a.attempts + excluded.attempts,
       address = excluded.address, detail = excluded.detail

-- name: lock_observed
-- Observed terminals that nobody put there, from one meter on.
SELECT meter_id, score, score_at FROM terminal
 WHERE state = 'observe' AND NOT held AND meter_id > :after ORDER BY meter_id LIMIT :most FOR UPDATE

-- name: allow_again
-- Terminals whose score has worn off.
UPDATE terminal t
   SET state = 'allowed', score = u.score, score_at = u.at, state_at = now(), reasons = '{}', state_by = NULL, note = ''
  FROM unnest(:meter_ids::bigint[], :scores::int[], :instants::bigint[]) AS u(meter_id, score, at)
 WHERE t.meter_id = u.meter_id AND t.state = 'observe' AND NOT t.held

-- name: clear_alarms_of
-- Alarms of these events at these meters are over.
UPDATE alarm SET cleared_us = :now_us
 WHERE cleared_us IS NULL AND event = ANY (:events::text[]) AND meter_id = ANY (:meter_ids::bigint[])

-- name: forget_findings
-- Those before an instant.
DELETE FROM terminal_finding WHERE at_us < :before_us

-- name: forget_strangers
-- Unknown terminals without a key that did not come again.
DELETE FROM onboarding WHERE last_us < :before_us AND NOT proven AND status <> 'accepted'

-- name: forget_refusals
-- Those that did not happen again.
DELETE FROM access_refusal WHERE last_us < :before_us

-- name: forget_changes
-- Changes that every edge has seen.
DELETE FROM terminal_change WHERE at < to_timestamp(:before_s)

-- name: meter_security
-- Who speaks under a meter's IMEI, and whether it has a key.
SELECT m.meter_id, m.number, m.imei, m.imsi, m.iccid, t.state, t.held, t.score, t.score_at, t.reasons, t.state_at, t.state_by,
       t.note, t.seen_imsi, t.seen_iccid, t.address, t.online_since_us, t.last_handshake_us, t.handshakes,
       k.version, k.created_at, k.first_used_at, k.rotating
  FROM meter m LEFT JOIN terminal t ON t.imei = m.imei AND t.meter_id = m.meter_id
  LEFT JOIN device_key k ON k.imei = m.imei AND k.tenant_id = m.tenant_id
 WHERE m.tenant_id = :tenant_id AND m.meter_id = :meter_id

-- name: findings
-- Of a meter, newest first.
SELECT finding_id, meter_id, kind, at_us, count, address, detail, score, state
  FROM terminal_finding
 WHERE tenant_id = :tenant_id AND meter_id = :meter_id AND (:after::bigint IS NULL OR finding_id < :after)
 ORDER BY finding_id DESC LIMIT :most

-- name: terminals_by_step
-- Terminals that are not simply allowed, the latest change first.
SELECT t.meter_id, m.number, t.imei, m.area_id, t.state, t.held, t.score, t.score_at, t.reasons, t.state_at, t.note,
       t.address, t.online_since_us, t.last_handshake_us
  FROM terminal t JOIN meter m ON m.meter_id = t.meter_id AND m.imei = t.imei
 WHERE t.tenant_id = :tenant_id AND t.state <> 'allowed' AND (:state::text IS NULL OR t.state = :state)
   AND (:after_us::bigint IS NULL
        OR ((extract(epoch FROM t.state_at) * 1000000)::bigint, t.meter_id) < (:after_us, :after_meter_id::bigint))
 ORDER BY (extract(epoch FROM t.state_at) * 1000000)::bigint DESC, t.meter_id DESC LIMIT :most

-- name: terminals_online
-- Terminals that made a handshake, the last one to come first.
SELECT t.meter_id, m.number, t.imei, m.area_id, t.state, t.held, t.score, t.score_at, t.reasons, t.state_at, t.note,
       t.address, t.online_since_us, t.last_handshake_us
  FROM terminal t JOIN meter m ON m.meter_id = t.meter_id AND m.imei = t.imei
 WHERE t.tenant_id = :tenant_id AND t.online_since_us IS NOT NULL
   AND (:after_us::bigint IS NULL OR (t.online_since_us, t.meter_id) < (:after_us, :after_meter_id::bigint))
 ORDER BY t.online_since_us DESC, t.meter_id DESC LIMIT :most

-- name: imei_of_meter
-- Of a meter in use.
SELECT imei FROM meter WHERE tenant_id = :tenant_id AND meter_id = :meter_id AND removed_on IS NULL

-- name: lock_standing
-- Step and score of a meter's terminal, locked until the transaction ends.
SELECT state, score, score_at, held FROM terminal
 WHERE tenant_id = :tenant_id AND imei = :imei AND meter_id = :meter_id FOR UPDATE

-- name: put_standing
-- A person's decision.
INSERT INTO terminal AS t (imei, tenant_id, meter_id, state, held, score, score_at, state_by, note)
VALUES (:imei, :tenant_id, :meter_id, :state, :held, :score, :score_at, :user_id, :note)
ON CONFLICT (imei, tenant_id) DO UPDATE
   SET meter_id = :meter_id, state = :state, held = :held, score = :score, score_at = :score_at, state_by = :user_id,
       note = :note, state_at = now(), reasons = CASE WHEN :forget THEN '{}'::jsonb ELSE t.reasons END

-- name: clear_meter_alarms
-- Alarms of these events at a tenant's meter are over.
UPDATE alarm SET cleared_us = :now_us
 WHERE tenant_id = :tenant_id AND meter_id = :meter_id AND event = ANY (:events::text[]) AND cleared_us IS NULL

-- name: unknown_terminals
-- Newest first. One that was registered in another way (an import) waits for nobody.
SELECT o.imei, o.first_us, o.last_us, o.attempts, o.address, o.proven, o.status, o.handled_by, o.handled_at, o.meter_id
  FROM onboarding o
 WHERE o.tenant_id = :tenant_id AND (:status::text IS NULL OR o.status = :status)
   AND (:after_us::bigint IS NULL OR (o.last_us, o.imei) < (:after_us, :after_imei::bigint))
   AND (o.status <> 'open' OR NOT EXISTS (SELECT FROM meter m WHERE m.imei = o.imei))
 ORDER BY o.last_us DESC, o.imei DESC LIMIT :most

-- name: refusals
-- Refused handshakes and registrations of a tenant, newest first, with the meter that has the IMEI now.
SELECT r.refusal_id, r.name, r.imei, m.meter_id, m.number, r.stage, r.reason, r.detail, r.address, r.first_us, r.last_us, r.attempts
  FROM access_refusal r
  LEFT JOIN meter m ON m.tenant_id = :tenant_id AND m.imei = r.imei AND m.removed_on IS NULL
 WHERE r.tenant_id = :tenant_id
   AND (:name::text IS NULL OR position(lower(:name) IN lower(r.name)) > 0)
   AND (:reason::text IS NULL OR r.reason = :reason)
   AND (:meter_id::bigint IS NULL OR m.meter_id = :meter_id)
   AND (:after_us::bigint IS NULL OR (r.last_us, r.refusal_id) < (:after_us, :after_id::bigint))
 ORDER BY r.last_us DESC, r.refusal_id DESC LIMIT :most

-- name: lock_unknown_terminal
-- One of them, until the transaction ends.
SELECT o.imei, o.first_us, o.last_us, o.attempts, o.address, o.proven, o.status, o.handled_by, o.handled_at, o.meter_id
  FROM onboarding o WHERE o.tenant_id = :tenant_id AND o.imei = :imei FOR UPDATE

-- name: handle_unknown
-- Accepted or dismissed, by whom, as which meter.
UPDATE onboarding SET status = :status, handled_by = :user_id, handled_at = now(), meter_id = :meter_id
 WHERE tenant_id = :tenant_id AND imei = :imei

-- name: policy
-- A tenant's choice on a wrong SIM.
SELECT on_sim_separated FROM access_policy WHERE tenant_id = :tenant_id

-- name: set_policy
-- The same.
INSERT INTO access_policy (tenant_id, on_sim_separated) VALUES (:tenant_id, :on_sim_separated)
ON CONFLICT (tenant_id) DO UPDATE SET on_sim_separated = :on_sim_separated

-- name: key_summary
-- Meters in use with an IMEI by whether they have a key, and keys of IMEIs without a meter; of a product or an area: without those.
SELECT count(*) FILTER (WHERE m.imei IS NOT NULL AND k.imei IS NOT NULL) AS with_key,
       count(*) FILTER (WHERE m.imei IS NOT NULL AND k.imei IS NULL) AS without_key,
       count(*) FILTER (WHERE m.imei IS NOT NULL AND k.rotating) AS rotating,
       count(*) FILTER (WHERE m.imei IS NULL AND :product_id::int IS NULL AND :area_id::int IS NULL) AS waiting
  FROM (SELECT imei FROM meter WHERE tenant_id = :tenant_id AND imei IS NOT NULL AND removed_on IS NULL
           AND (:product_id::int IS NULL OR product_id = :product_id) AND (:area_id::int IS NULL OR area_id IN (
                 WITH RECURSIVE below AS (SELECT :area_id::int AS area_id UNION
                   SELECT a.area_id FROM area a JOIN below b ON a.parent_id = b.area_id) SELECT area_id FROM below))) m
  FULL JOIN (SELECT imei, rotating FROM device_key WHERE tenant_id = :tenant_id) k USING (imei)

-- name: destroy_key_of_meter
-- The key of a tenant's meter.
DELETE FROM device_key
 WHERE tenant_id = :tenant_id
   AND imei = (SELECT m.imei FROM meter m WHERE m.tenant_id = :tenant_id AND m.meter_id = :meter_id)

-- name: others_meters
-- Those of these IMEIs that are another tenant's.
SELECT imei FROM meter WHERE imei = ANY (:imeis::bigint[]) AND tenant_id <> :tenant_id

-- name: keys_of_tenant
-- A tenant's keys of these IMEIs.
SELECT imei, tenant_id, version, key_id, nonce, sealed, previous_key_id, previous_nonce, previous_sealed
  FROM device_key WHERE imei = ANY (:imeis::bigint[]) AND tenant_id = :tenant_id

-- name: find_keys
-- One row an IMEI: that of the tenant whose meter it is. A key without a registered meter counts where it is the only one;
-- of two tenants that both claim an unregistered IMEI neither is believed. What the meter may lack is its product's to say.
SELECT k.imei, k.tenant_id, k.version, k.key_id, k.nonce, k.sealed, k.previous_key_id, k.previous_nonce, k.previous_sealed,
       coalesce(p.allow_cbc, false) AS allow_cbc, coalesce(p.allow_no_ems, false) AS allow_no_ems
  FROM unnest(:imeis::bigint[]) AS w(imei)
  JOIN device_key k ON k.imei = w.imei
  LEFT JOIN meter m ON m.imei = k.imei AND m.removed_on IS NULL
  LEFT JOIN product p ON p.product_id = m.product_id
 WHERE m.tenant_id = k.tenant_id
    OR (m.meter_id IS NULL AND NOT EXISTS (SELECT FROM device_key o WHERE o.imei = k.imei AND o.tenant_id <> k.tenant_id))

-- name: put_keys
-- New keys, or new versions; the former one stays valid where that is wished.
INSERT INTO device_key AS k (imei, tenant_id, key_id, nonce, sealed)
SELECT u.imei, :tenant_id, u.key_id, u.nonce, u.sealed
  FROM unnest(:imeis::bigint[], :key_ids::int[], :nonces::bytea[], :sealed::bytea[]) AS u(imei, key_id, nonce, sealed)
ON CONFLICT (imei, tenant_id) DO UPDATE
   SET version = k.version + 1, key_id = excluded.key_id, nonce = excluded.nonce, sealed = excluded.sealed,
       created_at = now(), first_used_at = NULL,
       previous_key_id = CASE WHEN :keep_previous THEN coalesce(k.previous_key_id, k.key_id) END,
       previous_nonce  = CASE WHEN :keep_previous THEN coalesce(k.previous_nonce, k.nonce) END,
       previous_sealed = CASE WHEN :keep_previous THEN coalesce(k.previous_sealed, k.sealed) END

-- name: note_keys_used
-- A meter used this version: the former one is over.
UPDATE device_key k SET first_used_at = now(), previous_key_id = NULL, previous_nonce = NULL, previous_sealed = NULL
  FROM unnest(:imeis::bigint[], :tenant_ids::int[], :versions::int[]) AS u(imei, tenant_id, version)
 WHERE k.imei = u.imei AND k.tenant_id = u.tenant_id AND k.version = u.version

-- name: meters_for_keys
-- Meters that a key can be made for. A key on its way to its meter is not replaced: the meter may have been written it
-- already, and would be cut off.
SELECT m.meter_id, m.number, m.imei, k.imei IS NOT NULL AS has_key
  FROM meter m LEFT JOIN device_key k ON k.imei = m.imei AND k.tenant_id = m.tenant_id
 WHERE m.tenant_id = :tenant_id AND m.imei IS NOT NULL AND m.removed_on IS NULL
   AND (:imeis::bigint[] IS NULL OR m.imei = ANY (:imeis))
   AND (:meter_ids::bigint[] IS NULL OR m.meter_id = ANY (:meter_ids)) AND (:product_id::int IS NULL OR m.product_id = :product_id)
   AND (:area_id::int IS NULL OR m.area_id IN (WITH RECURSIVE below AS (SELECT :area_id::int AS area_id UNION
        SELECT a.area_id FROM area a JOIN below b ON a.parent_id = b.area_id) SELECT area_id FROM below))
   AND (k.imei IS NULL OR (:with_key AND NOT k.rotating))

-- name: count_meters_for_keys
-- How many those are.
SELECT count(*)
  FROM meter m LEFT JOIN device_key k ON k.imei = m.imei AND k.tenant_id = m.tenant_id
 WHERE m.tenant_id = :tenant_id AND m.imei IS NOT NULL AND m.removed_on IS NULL
   AND (:imeis::bigint[] IS NULL OR m.imei = ANY (:imeis))
   AND (:meter_ids::bigint[] IS NULL OR m.meter_id = ANY (:meter_ids)) AND (:product_id::int IS NULL OR m.product_id = :product_id)
   AND (:area_id::int IS NULL OR m.area_id IN (WITH RECURSIVE below AS (SELECT :area_id::int AS area_id UNION
        SELECT a.area_id FROM area a JOIN below b ON a.parent_id = b.area_id) SELECT area_id FROM below))
   AND (k.imei IS NULL OR (:with_key AND NOT k.rotating))

-- name: lock_keys
-- Making a data key, shared with others that make one.
SELECT pg_advisory_xact_lock_shared(:lock)

-- name: lock_keys_alone
-- Changing the master key.
SELECT pg_advisory_xact_lock(:lock)

-- name: data_keys
-- Wrapped data keys of a tenant or of all, in the order they were made: what a change of the master key must find.
SELECT tenant_id, key_id, master, nonce, wrapped, 'device' AS purpose, created_at FROM tenant_key
 WHERE :tenant_id::int IS NULL OR tenant_id = :tenant_id
UNION ALL
SELECT tenant_id, key_id, master, nonce, wrapped, purpose, created_at FROM personal_key
 WHERE :tenant_id::int IS NULL OR tenant_id = :tenant_id
ORDER BY tenant_id, created_at, key_id

-- name: add_data_key
-- Nothing where a key with this id is there.
INSERT INTO tenant_key (tenant_id, key_id, master, nonce, wrapped) VALUES (:tenant_id, :key_id, :master, :nonce, :wrapped)
ON CONFLICT DO NOTHING

-- name: rewrap
-- Nothing where the wrapping is no longer the one made with this master.
UPDATE tenant_key SET master = :master, nonce = :nonce, wrapped = :wrapped
 WHERE tenant_id = :tenant_id AND key_id = :key_id AND master = :before

-- name: rewrap_personal
-- The same for keys of personal data.
UPDATE personal_key SET master = :master, nonce = :nonce, wrapped = :wrapped
 WHERE tenant_id = :tenant_id AND key_id = :key_id AND master = :before

-- name: destroy_device_key
-- A tenant's key of an IMEI.
DELETE FROM device_key WHERE tenant_id = :tenant_id AND imei = :imei

-- name: destroy_device_keys
-- All of a tenant.
DELETE FROM device_key WHERE tenant_id = :tenant_id

-- name: destroy_data_keys
-- What they were sealed with.
DELETE FROM tenant_key WHERE tenant_id = :tenant_id

-- name: note_in_trail
-- What is done on the command line.
INSERT INTO audit (tenant_id, actor, action, object_type, object_id, after)
VALUES (:tenant_id, 'command line', :action, :object_type, :object_id, :after)
