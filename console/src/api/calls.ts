// SPDX-License-Identifier: Apache-2.0
// The operations the console uses, one function each.
import { call, fileUrl } from "./typed";
import type { AlarmQuery, DeadLetterQuery, MeterQuery, ReportQuery, SeriesQuery } from "./types";

type Signal = AbortSignal | undefined;

// identity
export const whoAmI = () => call("get", "/api/v1/session");
export const signIn = (body: { tenant?: string; login: string; password: string }) => call("post", "/api/v1/session", { body });
export const signOut = () => call("delete", "/api/v1/session");
export const changePassword = (body: { current: string; new: string }) => call("post", "/api/v1/session/password", { body });

// fleet
export const listMeters = (query: MeterQuery, signal: Signal) => call("get", "/api/v1/meters", { query, signal });
export const getMeter = (meterId: number, signal: Signal) => call("get", "/api/v1/meters/{meter_id}", { path: { meter_id: meterId }, signal });
export const listAreas = (signal: Signal) => call("get", "/api/v1/areas", { signal });
export const listProducts = (signal: Signal) => call("get", "/api/v1/products", { query: { limit: 500 }, signal });

// readings
export const readSeries = (meterId: number, query: SeriesQuery, signal: Signal) =>
  call("get", "/api/v1/meters/{meter_id}/readings", { path: { meter_id: meterId }, query, signal });
export const listFrames = (meterId: number, query: { cursor?: string; limit?: number }, signal: Signal) =>
  call("get", "/api/v1/meters/{meter_id}/frames", { path: { meter_id: meterId }, query, signal });
export const collectionReport = (query: ReportQuery, signal: Signal) => call("get", "/api/v1/reports/collection", { query, signal });
export const missingMeters = (query: { day: string; cursor?: string }, signal: Signal) => call("get", "/api/v1/reports/collection/missing", { query, signal });
export const collectionCsv = (query: ReportQuery) => fileUrl("/api/v1/reports/collection.csv", query);
export const collectionXlsx = (query: ReportQuery) => fileUrl("/api/v1/reports/collection.xlsx", query);

// alarms
export const listAlarms = (query: AlarmQuery, signal: Signal) => call("get", "/api/v1/alarms", { query, signal });
export const acknowledgeAlarm = (alarmId: number) => call("post", "/api/v1/alarms/{alarm_id}/acknowledge", { path: { alarm_id: alarmId } });

// system
export const systemSnapshot = (signal: Signal) => call("get", "/api/v1/system", { signal });
export const listDeadLetters = (query: DeadLetterQuery, signal: Signal) => call("get", "/api/v1/dead-letters", { query, signal });
export const replayDeadLetters = (ids: number[]) => call("post", "/api/v1/dead-letters/replay", { body: { ids } });
export const dismissDeadLetters = (ids: number[]) => call("post", "/api/v1/dead-letters/dismiss", { body: { ids } });
