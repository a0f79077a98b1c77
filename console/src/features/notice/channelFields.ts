// SPDX-License-Identifier: Apache-2.0
// What each kind of channel asks for; the server's own table (app/notice/channel_fields.py) says what is wrong with it.
import type { ChannelKind } from "./calls";

export const KINDS = ["webhook", "email", "wecom", "dingtalk", "feishu", "sms_aliyun", "sms_tencent", "wechat", "web_push", "apprise"] as const;
const SMS = ["key_id", "secret", "sign_name", "template", "fields"] as const;

export const FIELDS: Record<ChannelKind, readonly string[]> = {
  inbox: [],
  webhook: ["url", "secret"],
  email: ["host", "port", "safety", "sender", "user", "password"],
  wecom: ["url"],
  dingtalk: ["url", "secret"],
  feishu: ["url", "secret"],
  sms_aliyun: SMS,
  sms_tencent: [...SMS, "app_id", "region"],
  wechat: ["app_id", "secret", "template", "fields"],
  apprise: ["url"],
  web_push: ["contact"],
};

const HIDDEN: Partial<Record<ChannelKind, readonly string[]>> = { wecom: ["url"], dingtalk: ["url"], feishu: ["url"], apprise: ["url"] };

/** Whether a field is a secret: it is typed hidden and never shown again. */
export const isSecret = (kind: ChannelKind, field: string): boolean => field === "secret" || field === "password" || (HIDDEN[kind]?.includes(field) ?? false);

/** What was filled in, without what was left empty: a secret that is left out stays as it is. */
export function filledIn(kind: ChannelKind, values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(FIELDS[kind].map((field) => [field, (values[field] ?? "").trim()]).filter(([, value]) => value !== ""));
}

/** Minutes of a day as HH:MM, and back; null for what is no time. */
export const clockOf = (minute: number | null | undefined): string => (minute == null ? "" : `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`);
export function minuteOf(clock: string): number | null {
  const found = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(clock.trim());
  return found === null ? null : Number(found[1]) * 60 + Number(found[2]);
}
