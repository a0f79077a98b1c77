-- SPDX-License-Identifier: Apache-2.0
-- 'Sent' and 'delivered' are two of a command's three or four steps, and no index needs to hear of them: indexes ask for
-- columns that change once (serial when it is queued, ended_us at its end), and a page keeps room for the next versions of its rows.
ALTER TABLE command SET (fillfactor = 60);

DROP INDEX command_intake;
CREATE INDEX command_intake ON command (command_id) WHERE serial IS NULL AND ended_us IS NULL;

DROP INDEX command_open;
CREATE INDEX command_open ON command (tenant_id, command_id DESC) WHERE ended_us IS NULL;

DROP INDEX command_log_ended;
CREATE INDEX command_log_ended ON command (ended_us) WHERE kind = 'log_pull' AND ended_us IS NOT NULL;

-- Each step writes a line of history about a command that the same transaction has locked: one index is enough, and asking
-- again whether the command is there cost as much as the line. What is deleted still takes its history along.
ALTER TABLE command_event DROP CONSTRAINT command_event_command_id_fkey, DROP CONSTRAINT command_event_pkey;
DROP INDEX command_event_of;
ALTER TABLE command_event ADD PRIMARY KEY (command_id, event_id);

CREATE FUNCTION command_gone() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  DELETE FROM command_event e USING gone WHERE e.command_id = gone.command_id;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION command_gone() FROM PUBLIC;
CREATE TRIGGER command_gone AFTER DELETE ON command REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION command_gone();

-- The API's role still cannot write the history of commands that are not there or are another tenant's, nor end one without saying when.
DO $$
DECLARE mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  DROP POLICY tenant_notes ON command_event;
  EXECUTE format('CREATE POLICY tenant_notes ON command_event FOR INSERT TO openmains_api WITH CHECK (%s AND event IN (''draft'', ''cancel'')'
    ' AND EXISTS (SELECT FROM command c WHERE c.command_id = command_event.command_id))', mine);
  DROP POLICY tenant_cancels ON command;
  EXECUTE format('CREATE POLICY tenant_cancels ON command FOR UPDATE TO openmains_api USING (%s AND state IN'
    ' (''drafted'', ''quarantined'', ''approved'', ''queued'')) WITH CHECK (%s AND state = ''cancelled'' AND ended_us IS NOT NULL)', mine, mine);
END $$;
