// SPDX-License-Identifier: Apache-2.0
// The operations the console uses, one function each.
import { send, sendRaw, urlOf } from "./transport";
import type {
  Alarm, AlarmStatus, Area, CollectionReport, DeadLetter, DeadLetterStatus, Frame, Me, Meter, MeterDetail, MeterSort, MeterStatus,
  MissingMeter, Page, Product, ReportBy, Series, Severity, Step, SystemSnapshot,
} from "./types";

type Signal = AbortSignal | undefined;

// identity
export const whoAmI = (): Promise<Me> => send("/api/v1/session");
export const signIn = (body: { tenant?: string; login: string; password: string }): Promise<unknown> => send("/api/v1/session", { method: "POST", body });
export const signOut = async (): Promise<void> => { await sendRaw("/api/v1/session", { method: "DELETE" }); };
export const changePassword = async (body: { current: string; new: string }): Promise<void> => { await sendRaw("/api/v1/session/password", { method: "POST", body }); };

// fleet
export const listMeters = (
  query: { q?: string; area_id?: number | undefined; product_id?: number | undefined; status?: MeterStatus | undefined; sort?: MeterSort; cursor?: string; limit?: number },
  signal: Signal,
): Promise<Page<Meter>> => send(urlOf("/api/v1/meters", {}, query), { signal });
export const getMeter = (meterId: number, signal: Signal): Promise<MeterDetail> => send(urlOf("/api/v1/meters/{meter_id}", { meter_id: meterId }), { signal });
export const listAreas = (signal: Signal): Promise<Area[]> => send("/api/v1/areas", { signal });
export const listProducts = async (signal: Signal): Promise<Product[]> => (await send<Page<Product>>(urlOf("/api/v1/products", {}, { limit: 200 }), { signal })).items;

// readings
export const readSeries = (meterId: number, query: { from: string; to: string; step: Step }, signal: Signal): Promise<Series> =>
  send(urlOf("/api/v1/meters/{meter_id}/readings", { meter_id: meterId }, query), { signal });
export const listFrames = (meterId: number, query: { cursor?: string; limit?: number }, signal: Signal): Promise<Page<Frame>> =>
  send(urlOf("/api/v1/meters/{meter_id}/frames", { meter_id: meterId }, query), { signal });
export const collectionReport = (query: { day: string; by: ReportBy }, signal: Signal): Promise<CollectionReport> => send(urlOf("/api/v1/reports/collection", {}, query), { signal });
export const missingMeters = (query: { day: string; cursor?: string }, signal: Signal): Promise<Page<MissingMeter>> => send(urlOf("/api/v1/reports/collection/missing", {}, query), { signal });
export const collectionFileUrl = ({ day, by, format }: { day: string; by: ReportBy; format: "csv" | "xlsx" }): string => urlOf(`/api/v1/reports/collection.${format}`, {}, { day, by });

// alarms
export const listAlarms = (query: { status?: AlarmStatus | undefined; severity?: Severity | undefined; meter_id?: number | undefined; cursor?: string; limit?: number }, signal: Signal): Promise<Page<Alarm>> =>
  send(urlOf("/api/v1/alarms", {}, query), { signal });
export const acknowledgeAlarm = (alarmId: number): Promise<Alarm> => send(urlOf("/api/v1/alarms/{alarm_id}/acknowledge", { alarm_id: alarmId }), { method: "POST" });

// system
export const systemSnapshot = (signal: Signal): Promise<SystemSnapshot> => send("/api/v1/system", { signal });
export const listDeadLetters = (query: { status?: DeadLetterStatus; cursor?: string }, signal: Signal): Promise<Page<DeadLetter>> => send(urlOf("/api/v1/dead-letters", {}, query), { signal });
export const replayDeadLetters = (ids: number[]): Promise<unknown> => send("/api/v1/dead-letters/replay", { method: "POST", body: { ids } });
export const dismissDeadLetters = (ids: number[]): Promise<unknown> => send("/api/v1/dead-letters/dismiss", { method: "POST", body: { ids } });
