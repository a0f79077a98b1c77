-- SPDX-License-Identifier: Apache-2.0
-- The life of an alarm (domain/alarm/life.py): what persons do with it, groups of many of one kind, mutes with an end, and what others
-- are told of it, in the transaction of the change itself (ADR 0033). ``shown_us`` of 0001 stays what it was: since when it could be read.

CREATE TABLE alarm_group (
  group_id        bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id       int NOT NULL REFERENCES tenant,
  event           text NOT NULL,
  quantity        text NOT NULL DEFAULT '',    -- of alarms about limits and rules: which one
  severity        text NOT NULL CHECK (severity IN ('critical', 'major', 'minor', 'info')),
  area_id         int REFERENCES area ON DELETE SET NULL, -- its members are below it; NULL with no cell: of the whole utility
  cell            bigint,                      -- radio cell that its members have in common, where no place says more
  received_us     bigint NOT NULL,             -- of the first member's message at the edge
  last_us         bigint NOT NULL,             -- when the last one joined
  members         int NOT NULL,
  version         int NOT NULL DEFAULT 1,      -- one more each time members join
  seen_us         bigint,
  seen_by         bigint,
  acknowledged_by bigint,
  acknowledged_at timestamptz,
  dispatched_us   bigint,
  dispatched_by   bigint,
  dispatched_to   text NOT NULL DEFAULT '',
  reopened_us     bigint,
  cleared_us      bigint,                      -- of its last open member
  missed          boolean NOT NULL DEFAULT false,
  state           text GENERATED ALWAYS AS (CASE WHEN cleared_us IS NOT NULL THEN 'cleared' WHEN dispatched_us IS NOT NULL THEN 'dispatched'
    WHEN acknowledged_at IS NOT NULL THEN 'acknowledged' WHEN reopened_us IS NOT NULL THEN 'reopened'
    WHEN seen_us IS NOT NULL THEN 'shown' ELSE 'raised' END) STORED
);
CREATE INDEX alarm_group_newest ON alarm_group (tenant_id, group_id DESC);
CREATE INDEX alarm_group_open ON alarm_group (tenant_id, event) WHERE cleared_us IS NULL;

-- Never for ever: a mute ends, at most 31 days after it began. Without an event it holds for all that is not critical.
CREATE TABLE alarm_mute (
  mute_id    bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL REFERENCES tenant,
  area_id    int REFERENCES area ON DELETE CASCADE,
  meter_id   bigint REFERENCES meter ON DELETE CASCADE,
  event      text,
  reason     text NOT NULL CHECK (reason <> ''),
  from_us    bigint NOT NULL,
  until_us   bigint NOT NULL CHECK (until_us > from_us AND until_us <= from_us + 31 * 86400000000),
  made_by    bigint NOT NULL,
  ended_us   bigint,                           -- taken off by a person before its end
  ended_by   bigint,
  let_go     boolean NOT NULL DEFAULT false,   -- it is over, and its alarms that are still open have been told
  CHECK (area_id IS NULL OR meter_id IS NULL),
  CHECK (area_id IS NOT NULL OR meter_id IS NOT NULL OR event IS NOT NULL)
);
CREATE INDEX alarm_mute_tenant ON alarm_mute (tenant_id, mute_id DESC);
CREATE INDEX alarm_mute_standing ON alarm_mute (tenant_id) WHERE NOT let_go;

ALTER TABLE alarm
  ADD COLUMN seen_us       bigint,             -- shown to a person: their channel's acknowledgement; the delay R7.1 asks about
  ADD COLUMN seen_by       bigint,
  ADD COLUMN dispatched_us bigint,
  ADD COLUMN dispatched_by bigint,
  ADD COLUMN dispatched_to text NOT NULL DEFAULT '',
  ADD COLUMN reopened_us   bigint,
  ADD COLUMN cleared_by    bigint,             -- a person; NULL: the meter itself, or the platform
  ADD COLUMN is_early      boolean NOT NULL DEFAULT false, -- raised before its message's turn, from which on it is counted
  ADD COLUMN group_id      bigint,
  ADD COLUMN group_version int,                -- version of the group with which it joined
  ADD COLUMN mute_id       bigint,             -- as long as it is muted; of one that was over before its mute, for good
  ADD COLUMN unmuted_us    bigint,             -- when its mute ended: it has its 20 s from then on
  ADD COLUMN missed        boolean NOT NULL DEFAULT false, -- nobody was shown it in time
  -- to others: 0 nothing yet, 1 that it was raised, 2 that it is over; 3 never: what was there before is told to nobody, and nobody is said
  -- to have missed it
  ADD COLUMN told          smallint NOT NULL DEFAULT 3,
  ADD COLUMN state         text GENERATED ALWAYS AS (CASE WHEN cleared_us IS NOT NULL THEN 'cleared' WHEN dispatched_us IS NOT NULL
    THEN 'dispatched' WHEN acknowledged_at IS NOT NULL THEN 'acknowledged' WHEN reopened_us IS NOT NULL THEN 'reopened'
    WHEN seen_us IS NOT NULL THEN 'shown' ELSE 'raised' END) STORED;
DO $$
BEGIN -- the owner is bound by the table's policies too, unless a superuser, and had none on this one
  EXECUTE format('CREATE POLICY owner_all ON alarm TO %I USING (true) WITH CHECK (true)', current_user);
END $$;
ALTER TABLE alarm ALTER COLUMN told SET DEFAULT 0;
-- What the loop (app/alarm/loop.py) has to do, and what is waiting for a person's eyes.
CREATE INDEX alarm_to_tell ON alarm (alarm_id) WHERE told = 0 OR (told = 1 AND cleared_us IS NOT NULL);
CREATE INDEX alarm_unseen ON alarm (coalesce(unmuted_us, received_us)) WHERE seen_us IS NULL AND NOT missed AND told IN (1, 2) AND mute_id IS NULL;
CREATE INDEX alarm_of_group ON alarm (group_id) WHERE group_id IS NOT NULL;
CREATE INDEX alarm_recent ON alarm (tenant_id, event, received_us);
CREATE INDEX alarm_received ON alarm (tenant_id, received_us);
CREATE INDEX alarm_unmuted ON alarm (tenant_id, unmuted_us) WHERE unmuted_us IS NOT NULL;
CREATE INDEX alarm_muted ON alarm (mute_id) WHERE mute_id IS NOT NULL AND cleared_us IS NULL;

-- What is told: news of an alarm that stands alone or of a group. It is also the history that people read; what a person does with a member
-- or with what is muted is that only: noticed and live from the beginning. Notices take a row with the transaction that books what they send,
-- and say so in ``noticed_us``.
CREATE TABLE alarm_event (
  event_id   bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id  int NOT NULL REFERENCES tenant,
  news       text NOT NULL CHECK (news IN ('raised', 'grouped', 'shown', 'missed', 'acknowledged', 'dispatched', 'recalled', 'cleared',
                                           'reopened')),
  alarm_id   bigint,
  group_id   bigint,
  at_us      bigint NOT NULL,
  user_id    bigint,                           -- who did it; NULL: the meter or the platform
  reason     text NOT NULL DEFAULT '',
  noticed_us bigint,
  is_live    boolean NOT NULL DEFAULT false,   -- screens were told
  made_us    bigint NOT NULL DEFAULT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
  CHECK (num_nonnulls(alarm_id, group_id) = 1)
);
CREATE INDEX alarm_event_waiting ON alarm_event (event_id) WHERE noticed_us IS NULL;
CREATE INDEX alarm_event_unheard ON alarm_event (event_id) WHERE NOT is_live;
CREATE INDEX alarm_event_alarm ON alarm_event (alarm_id, event_id) WHERE alarm_id IS NOT NULL;
CREATE INDEX alarm_event_group ON alarm_event (group_id, event_id) WHERE group_id IS NOT NULL;

DO $$
DECLARE
  t text;
  mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  FOREACH t IN ARRAY ARRAY['alarm_group','alarm_mute','alarm_event'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I TO openmains_api USING (%s) WITH CHECK (%s)', t, mine, mine);
    EXECUTE format('CREATE POLICY all_tenants ON %I TO openmains_pipeline USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO %I USING (true) WITH CHECK (true)', t, current_user);
  END LOOP;
END $$;
-- A person's act changes where an alarm stands, never what it is about (0019).
GRANT UPDATE (seen_us, seen_by, dispatched_us, dispatched_by, dispatched_to, reopened_us, cleared_by, told, mute_id) ON alarm TO openmains_api;
GRANT SELECT ON alarm_group TO openmains_api;
GRANT UPDATE (seen_us, seen_by, acknowledged_by, acknowledged_at, dispatched_us, dispatched_by, dispatched_to, reopened_us, cleared_us)
  ON alarm_group TO openmains_api;
GRANT SELECT, INSERT ON alarm_mute TO openmains_api;
GRANT UPDATE (ended_us, ended_by) ON alarm_mute TO openmains_api;
GRANT SELECT, INSERT ON alarm_event TO openmains_api;
GRANT SELECT, INSERT, UPDATE ON alarm_group, alarm_event TO openmains_pipeline;
GRANT DELETE ON alarm_event TO openmains_pipeline; -- after so many days
GRANT SELECT, UPDATE ON alarm_mute TO openmains_pipeline;
