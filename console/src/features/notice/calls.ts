// SPDX-License-Identifier: Apache-2.0
// The operations on notices and subscriptions.
import { call, type Abort, type QueryOf, type Schemas } from "@/api/typed";

export type Channel = Schemas["NoticeChannel"];
export type ChannelKind = Channel["kind"];
export type Calendar = Schemas["Calendar"];
export type DutyShift = Schemas["DutyShift"];
export type PersonSettings = Schemas["PersonSettings"];
export type NoticePolicy = Schemas["NoticePolicy"];
export type PolicySettings = Schemas["PolicySettings"];
export type PreviewLine = Schemas["PreviewLine"];
export type Notice = Schemas["Notice"];
export type NoticeQuery = QueryOf<"list_notices">;
export type NoticeState = NonNullable<NoticeQuery["state"]>;
export type Subscription = Schemas["Subscription"];
export type SubscriptionSettings = Schemas["SubscriptionSettings"];
export type Announcement = Schemas["Announcement"];
export type AnnouncementDraft = Schemas["AnnouncementDraft"];
export type AudiencePreview = Schemas["AudiencePreview"];
type NewChannel = Schemas["NewChannel"];
type ChannelChange = Schemas["ChannelChange"];

export const listChannels = (signal: Abort) => call("get", "/api/v1/notice-channels", { signal });
export const addChannel = (body: Omit<NewChannel, "reason">, reason: string) => call("post", "/api/v1/notice-channels", { body: { ...body, reason } });
export const changeChannel = (channelId: number, body: ChannelChange, reason: string) =>
  call("put", "/api/v1/notice-channels/{channel_id}", { path: { channel_id: channelId }, query: { reason }, body });
export const removeChannel = (channelId: number, reason: string) => call("delete", "/api/v1/notice-channels/{channel_id}", { path: { channel_id: channelId }, query: { reason } });
export const testChannel = (channelId: number, key: string) => call("post", "/api/v1/notice-channels/{channel_id}/test", { path: { channel_id: channelId }, body: { key } });

export const listPersons = (signal: Abort) => call("get", "/api/v1/notice-persons", { signal });
export type NoticePerson = Schemas["NoticePerson"];
export const setPerson = (userId: number, body: PersonSettings, reason: string) => call("put", "/api/v1/notice-persons/{user_id}", { path: { user_id: userId }, query: { reason }, body });
export const ownSettings = (signal: Abort) => call("get", "/api/v1/notice-persons/me", { signal });
export const setOwnNotices = (body: PersonSettings) => call("put", "/api/v1/notice-persons/me", { body });

export type PushBrowser = Schemas["PushBrowser"];
export const ownBrowsers = (signal: Abort) => call("get", "/api/v1/notice-persons/me/browsers", { signal });
export const addOwnBrowser = (body: Schemas["BrowserSubscription"]) => call("post", "/api/v1/notice-persons/me/browsers", { body });
export const removeOwnBrowser = (browserId: number) => call("delete", "/api/v1/notice-persons/me/browsers/{browser_id}", { path: { browser_id: browserId } });

export type NoticeTemplate = Schemas["Template"];
export const listTemplates = (signal: Abort) => call("get", "/api/v1/notice-templates", { signal });
export const setTemplate = (kind: NoticeTemplate["kind"], locale: NoticeTemplate["locale"], body: Schemas["TemplateForm"], reason: string) =>
  call("put", "/api/v1/notice-templates/{kind}/{locale}", { path: { kind, locale }, query: { reason }, body });
export const dropTemplate = (kind: NoticeTemplate["kind"], locale: NoticeTemplate["locale"], reason: string) =>
  call("delete", "/api/v1/notice-templates/{kind}/{locale}", { path: { kind, locale }, query: { reason } });

export const listCalendars = (signal: Abort) => call("get", "/api/v1/notice-calendars", { signal });
export const addCalendar = (name: string, shifts: DutyShift[], reason: string) => call("post", "/api/v1/notice-calendars", { query: { reason }, body: { name, shifts } });
export const changeCalendar = (calendarId: number, name: string, shifts: DutyShift[], reason: string) =>
  call("put", "/api/v1/notice-calendars/{calendar_id}", { path: { calendar_id: calendarId }, query: { reason }, body: { name, shifts } });
export const removeCalendar = (calendarId: number, reason: string) => call("delete", "/api/v1/notice-calendars/{calendar_id}", { path: { calendar_id: calendarId }, query: { reason } });

export const listPolicies = (signal: Abort) => call("get", "/api/v1/notice-policies", { signal });
export const addPolicy = (body: PolicySettings, reason: string) => call("post", "/api/v1/notice-policies", { query: { reason }, body });
export const changePolicy = (policyId: number, body: PolicySettings, reason: string) =>
  call("put", "/api/v1/notice-policies/{policy_id}", { path: { policy_id: policyId }, query: { reason }, body });
export const removePolicy = (policyId: number, reason: string) => call("delete", "/api/v1/notice-policies/{policy_id}", { path: { policy_id: policyId }, query: { reason } });
export const previewNotices = (body: Schemas["PolicyQuestion"]) => call("post", "/api/v1/notice-policies/preview", { body });

export const listNotices = (query: NoticeQuery, signal: Abort) => call("get", "/api/v1/notices", { query, signal });
export const readNotice = (noticeId: number, signal: Abort) => call("get", "/api/v1/notices/{notice_id}", { path: { notice_id: noticeId }, signal });
export const noticeSummary = (signal: Abort) => call("get", "/api/v1/notices/summary", { signal });
export const sendNoticeAgain = (noticeId: number) => call("post", "/api/v1/notices/{notice_id}/again", { path: { notice_id: noticeId } });
export const takeInbox = (shown: number[], seen: number[]) => call("post", "/api/v1/inbox", { body: { shown, seen } });

export const listSubscriptions = (signal: Abort) => call("get", "/api/v1/subscriptions", { signal });
export const addSubscription = (body: SubscriptionSettings, reason: string) => call("post", "/api/v1/subscriptions", { query: { reason }, body });
export const changeSubscription = (subscriptionId: number, body: SubscriptionSettings, reason: string) =>
  call("put", "/api/v1/subscriptions/{subscription_id}", { path: { subscription_id: subscriptionId }, query: { reason }, body });
export const removeSubscription = (subscriptionId: number, reason: string) =>
  call("delete", "/api/v1/subscriptions/{subscription_id}", { path: { subscription_id: subscriptionId }, query: { reason } });
export const replaySubscription = (subscriptionId: number, since: string, reason: string) =>
  call("post", "/api/v1/subscriptions/{subscription_id}/replay", { path: { subscription_id: subscriptionId }, body: { since, reason } });
export const pushDeadLetters = (subscriptionId: number, cursor: string, signal: Abort) =>
  call("get", "/api/v1/subscriptions/{subscription_id}/dead-letters", { path: { subscription_id: subscriptionId }, query: { cursor }, signal });
export const sendPushDeadLetters = (subscriptionId: number, deadIds: number[], reason: string) =>
  call("post", "/api/v1/subscriptions/{subscription_id}/dead-letters/again", { path: { subscription_id: subscriptionId }, body: { dead_ids: deadIds, reason } });

export const listAnnouncements = (query: QueryOf<"list_announcements">, signal: Abort) => call("get", "/api/v1/announcements", { query, signal });
export const previewAnnouncement = (body: Schemas["Audience"]) => call("post", "/api/v1/announcements/preview", { body });
export const addAnnouncement = (body: AnnouncementDraft) => call("post", "/api/v1/announcements", { body });
export const approveAnnouncement = (announcementId: number, reason: string) =>
  call("post", "/api/v1/announcements/{announcement_id}/approve", { path: { announcement_id: announcementId }, body: { reason } });
export const cancelAnnouncement = (announcementId: number, reason: string) =>
  call("post", "/api/v1/announcements/{announcement_id}/cancel", { path: { announcement_id: announcementId }, body: { reason } });
