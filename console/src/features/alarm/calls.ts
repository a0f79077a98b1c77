// SPDX-License-Identifier: Apache-2.0
// The operations on alarms.
import { call, type Abort, type QueryOf, type Schemas } from "@/api/typed";

export type Alarm = Schemas["Alarm"];
export type AlarmCounts = Schemas["AlarmCounts"];
export type AlarmCountQuery = QueryOf<"count_alarms">;
export type AlarmQuery = QueryOf<"list_alarms">;
export type AlarmStatus = NonNullable<AlarmQuery["status"]>;

export const listAlarms = (query: AlarmQuery, signal: Abort) => call("get", "/api/v1/alarms", { query, signal });
export const acknowledgeAlarm = (alarmId: number) => call("post", "/api/v1/alarms/{alarm_id}/acknowledge", { path: { alarm_id: alarmId } });
export const clearAlarm = (alarmId: number, reason: string) =>
  call("post", "/api/v1/alarms/{alarm_id}/clear", { path: { alarm_id: alarmId }, body: { reason } });
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
