-- SPDX-License-Identifier: Apache-2.0
-- Browser push (R7.3, ADR 0067): a channel that signs with a key of its own, and the browsers in which persons take notices. Where a browser
-- is reached is sealed; the API writes it and cannot read it.
ALTER TABLE notice_channel DROP CONSTRAINT notice_channel_kind_check,
  ADD CONSTRAINT notice_channel_kind_check CHECK (kind IN ('inbox', 'email', 'webhook', 'wecom', 'dingtalk', 'feishu', 'sms_aliyun',
                                                           'sms_tencent', 'wechat', 'apprise', 'web_push'));
CREATE UNIQUE INDEX notice_channel_web_push ON notice_channel (tenant_id) WHERE kind = 'web_push' AND NOT is_gone;

CREATE TABLE push_browser (
  browser_id  bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  tenant_id   int NOT NULL REFERENCES tenant,
  user_id     bigint NOT NULL REFERENCES app_user ON DELETE CASCADE,
  channel_id  bigint NOT NULL REFERENCES notice_channel, -- whose key the browser was given
  fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32), -- SHA-256 of the endpoint: a browser is one person's
  label       text NOT NULL,
  key_id      bigint,
  nonce       bytea,
  sealed      bytea,                              -- endpoint, p256dh, auth
  made_us     bigint NOT NULL,
  accepted_us bigint,                             -- the push service's last acknowledgement
  failed_us   bigint,
  reason      text NOT NULL DEFAULT '',
  UNIQUE (tenant_id, fingerprint),
  CHECK ((key_id IS NULL) = (sealed IS NULL) AND (key_id IS NULL) = (nonce IS NULL))
);
CREATE INDEX push_browser_user ON push_browser (user_id);

-- A browser that another person takes is no longer the former one's; owner's rights, for that row may be out of the new one's sight.
CREATE FUNCTION take_push_browser() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  DELETE FROM push_browser WHERE tenant_id = NEW.tenant_id AND fingerprint = NEW.fingerprint;
  RETURN NEW;
END $$;
CREATE TRIGGER takes_push_browser BEFORE INSERT ON push_browser FOR EACH ROW EXECUTE FUNCTION take_push_browser();

-- Whatever door a person is disabled by, nothing is pushed to it any more.
CREATE FUNCTION forget_push_browsers() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  DELETE FROM push_browser WHERE user_id = NEW.user_id;
  RETURN NULL;
END $$;
CREATE TRIGGER forgets_push_browsers AFTER UPDATE OF disabled ON app_user FOR EACH ROW
  WHEN (NEW.disabled AND NOT OLD.disabled) EXECUTE FUNCTION forget_push_browsers();

DO $$
DECLARE mine text := 'tenant_id = nullif(current_setting(''openmains.tenant'', true), '''')::int';
BEGIN
  ALTER TABLE push_browser ENABLE ROW LEVEL SECURITY;
  ALTER TABLE push_browser FORCE ROW LEVEL SECURITY;
  EXECUTE format('CREATE POLICY tenant_all ON push_browser TO openmains_api, openmains_limited USING (%s) WITH CHECK (%s)', mine, mine);
  CREATE POLICY within_reach ON push_browser AS RESTRICTIVE TO openmains_limited USING (user_id = (SELECT reach_user()));
  CREATE POLICY all_tenants ON push_browser TO openmains_pipeline USING (true) WITH CHECK (true);
  EXECUTE format('CREATE POLICY owner_all ON push_browser TO %I USING (true) WITH CHECK (true)', current_user);
END $$;
GRANT SELECT (browser_id, tenant_id, user_id, channel_id, fingerprint, label, made_us, accepted_us, failed_us, reason), INSERT, UPDATE, DELETE
  ON push_browser TO openmains_api, openmains_limited;
GRANT SELECT, DELETE ON push_browser TO openmains_pipeline;
GRANT UPDATE (accepted_us, failed_us, reason) ON push_browser TO openmains_pipeline;

-- What a browser has to know to subscribe, for persons too who see no channels (0110): the utility's own channel, and the key it signs by.
CREATE FUNCTION web_push_channel() RETURNS TABLE (channel_id bigint, public_key text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT c.channel_id, c.settings->>'public_key' FROM notice_channel c
   WHERE c.tenant_id = nullif(current_setting('openmains.tenant', true), '')::int AND c.kind = 'web_push' AND c.is_on AND NOT c.is_gone
$$;
REVOKE ALL ON FUNCTION web_push_channel(), take_push_browser(), forget_push_browsers() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION web_push_channel() TO openmains_api, openmains_limited;
