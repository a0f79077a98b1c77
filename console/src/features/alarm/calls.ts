// SPDX-License-Identifier: Apache-2.0
// The operations on alarms.
import { call, type Abort, type QueryOf, type Schemas } from "@/api/typed";

export type Alarm = Schemas["Alarm"];
export type AlarmCounts = Schemas["AlarmCounts"];
export type AlarmCountQuery = QueryOf<"count_alarms">;
export type AlarmQuery = QueryOf<"list_alarms">;
export type AlarmStatus = NonNullable<AlarmQuery["status"]>;

export type AlarmSort = NonNullable<AlarmQuery["sort"]>;
export const listAlarms = (query: AlarmQuery, signal: Abort) => call("get", "/api/v1/alarms", { query, signal });
export const acknowledgeAlarm = (alarmId: number) => call("post", "/api/v1/alarms/{alarm_id}/acknowledge", { path: { alarm_id: alarmId } });
export const clearAlarm = (alarmId: number, reason: string) =>
  call("post", "/api/v1/alarms/{alarm_id}/clear", { path: { alarm_id: alarmId }, body: { reason } });
export const readAlarm = (alarmId: number, signal: Abort) => call("get", "/api/v1/alarms/{alarm_id}", { path: { alarm_id: alarmId }, signal });
export const alarmHistory = (alarmId: number, signal: Abort) => call("get", "/api/v1/alarms/{alarm_id}/history", { path: { alarm_id: alarmId }, signal });
export const alarmDelays = (signal: Abort) => call("get", "/api/v1/alarms/delays", { query: { hours: 24 }, signal });
export type ShownAlarms = Schemas["ShownAlarms"];
/** These are before a person's eyes now; saying it twice changes nothing. */
export const showAlarms = (shown: ShownAlarms) => call("post", "/api/v1/alarms/shown", { body: shown });
export const dispatchAlarm = (alarmId: number, to: string, reason: string) =>
  call("post", "/api/v1/alarms/{alarm_id}/dispatch", { path: { alarm_id: alarmId }, body: { to, reason } });
export const recallAlarm = (alarmId: number, reason: string) =>
  call("post", "/api/v1/alarms/{alarm_id}/recall", { path: { alarm_id: alarmId }, body: { reason } });
export const reopenAlarm = (alarmId: number, reason: string) =>
  call("post", "/api/v1/alarms/{alarm_id}/reopen", { path: { alarm_id: alarmId }, body: { reason } });

export type AlarmGroup = Schemas["AlarmGroup"];
export type AlarmHistoryEntry = Schemas["AlarmHistoryEntry"];
export type AlarmGroupQuery = QueryOf<"list_alarm_groups">;
export const listGroups = (query: AlarmGroupQuery, signal: Abort) => call("get", "/api/v1/alarm-groups", { query, signal });
export const readGroup = (groupId: number, signal: Abort) => call("get", "/api/v1/alarm-groups/{group_id}", { path: { group_id: groupId }, signal });
export const groupHistory = (groupId: number, signal: Abort) => call("get", "/api/v1/alarm-groups/{group_id}/history", { path: { group_id: groupId }, signal });
export const groupPlaces = (groupId: number, signal: Abort) => call("get", "/api/v1/alarm-groups/{group_id}/places", { path: { group_id: groupId }, signal });
export const acknowledgeGroup = (groupId: number) => call("post", "/api/v1/alarm-groups/{group_id}/acknowledge", { path: { group_id: groupId } });
export const dispatchGroup = (groupId: number, to: string, reason: string) =>
  call("post", "/api/v1/alarm-groups/{group_id}/dispatch", { path: { group_id: groupId }, body: { to, reason } });
export const recallGroup = (groupId: number, reason: string) =>
  call("post", "/api/v1/alarm-groups/{group_id}/recall", { path: { group_id: groupId }, body: { reason } });
export const clearGroup = (groupId: number, reason: string) =>
  call("post", "/api/v1/alarm-groups/{group_id}/clear", { path: { group_id: groupId }, body: { reason } });

export type AlarmMute = Schemas["AlarmMute"];
export type NewMute = Schemas["NewMute"];
export const listMutes = (query: QueryOf<"list_alarm_mutes">, signal: Abort) => call("get", "/api/v1/alarm-mutes", { query, signal });
export const muteAlarms = (mute: NewMute) => call("post", "/api/v1/alarm-mutes", { body: mute }); // its reason is in it
export const endMute = (muteId: number, reason: string) => call("post", "/api/v1/alarm-mutes/{mute_id}/end", { path: { mute_id: muteId }, body: { reason } });

/** All open alarms that the filters take, counted by the server: never the rows of a page. */
export const countAlarms = (query: AlarmCountQuery, signal: Abort) => call("get", "/api/v1/alarms/counts", { query, signal });

export type QuantityLimit = Schemas["QuantityLimit"];
export type Limits = Schemas["Limits"];
export const deviceLimits = (meterId: number, signal: Abort) => call("get", "/api/v1/meters/{meter_id}/limits", { path: { meter_id: meterId }, signal });
export const productLimits = (productId: number, signal: Abort) => call("get", "/api/v1/products/{product_id}/limits", { path: { product_id: productId }, signal });
export const setDeviceLimits = (meterId: number, items: QuantityLimit[], reason: string) =>
  call("put", "/api/v1/meters/{meter_id}/limits", { path: { meter_id: meterId }, query: { reason }, body: { items } });
export const setProductLimits = (productId: number, items: QuantityLimit[], reason: string) =>
  call("put", "/api/v1/products/{product_id}/limits", { path: { product_id: productId }, query: { reason }, body: { items } });
