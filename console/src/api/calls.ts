// SPDX-License-Identifier: Apache-2.0
// The operations the console uses, one function each.
import { send, urlOf } from "./transport";
import { call, fileUrl } from "./typed";
import type {
  AlarmQuery,
  AuditQuery,
  DeadLetterQuery,
  ExceptionQuery,
  ImportQuery,
  MeterFileQuery,
  MissingQuery,
  Job,
  Judgement,
  MeterChange,
  MeterQuery,
  NewMeter,
  NewToken,
  NewUser,
  ReportQuery,
  SeriesQuery,
  SignalQuery,
  UserChange,
} from "./types";

type Signal = AbortSignal | undefined;

// identity
export const whoAmI = () => call("get", "/api/v1/session");
export const signIn = (body: { tenant?: string; login: string; password: string }) => call("post", "/api/v1/session", { body });
export const signOut = () => call("delete", "/api/v1/session");
export const changePassword = (body: { current: string; new: string }) => call("post", "/api/v1/session/password", { body });
export const listUsers = (query: { cursor?: string }, signal: Signal) => call("get", "/api/v1/users", { query, signal });
export const createUser = (body: NewUser) => call("post", "/api/v1/users", { body });
export const changeUser = (userId: number, body: UserChange) => call("patch", "/api/v1/users/{user_id}", { path: { user_id: userId }, body });
export const removeUser = (userId: number) => call("delete", "/api/v1/users/{user_id}", { path: { user_id: userId } });
export const resetPassword = (userId: number) => call("post", "/api/v1/users/{user_id}/password", { path: { user_id: userId } });
export const listTokens = (query: { cursor?: string }, signal: Signal) => call("get", "/api/v1/tokens", { query, signal });
export const createToken = (body: NewToken) => call("post", "/api/v1/tokens", { body });
export const revokeToken = (tokenId: number) => call("delete", "/api/v1/tokens/{token_id}", { path: { token_id: tokenId } });
export const listAudit = (query: AuditQuery, signal: Signal) => call("get", "/api/v1/audit", { query, signal });

// fleet
export const listMeters = (query: MeterQuery, signal: Signal) => call("get", "/api/v1/meters", { query, signal });
export const metersFile = (query: MeterFileQuery) => fileUrl("/api/v1/meters/file", query);
export const getMeter = (meterId: number, signal: Signal) => call("get", "/api/v1/meters/{meter_id}", { path: { meter_id: meterId }, signal });
export const listAreas = (signal: Signal) => call("get", "/api/v1/areas", { signal });
export const listProducts = (signal: Signal) => call("get", "/api/v1/products", { query: { limit: 500 }, signal });
export const addMeter = (body: NewMeter) => call("post", "/api/v1/meters", { body });
export const changeMeter = (meterId: number, revision: number, body: MeterChange) =>
  call("patch", "/api/v1/meters/{meter_id}", { path: { meter_id: meterId }, body, ifMatch: revision });
export const listSignals = (meterId: number, query: SignalQuery, signal: Signal) =>
  call("get", "/api/v1/meters/{meter_id}/signals", { path: { meter_id: meterId }, query, signal });
export const startImport = (file: File, query: ImportQuery): Promise<Job> => {
  const body = new FormData();
  body.set("data", file); // the field's name is free; the server takes the first file
  return send(urlOf("/api/v1/imports", {}, query), { method: "POST", body });
};
export const getJob = (jobId: number, signal: Signal) => call("get", "/api/v1/jobs/{job_id}", { path: { job_id: jobId }, signal });
export const listImports = (query: { cursor?: string }, signal: Signal) =>
  call("get", "/api/v1/jobs", { query: { kind: "meter_import", limit: 20, ...query }, signal });
export const cancelJob = (jobId: number) => call("post", "/api/v1/jobs/{job_id}/cancel", { path: { job_id: jobId } });
export const jobErrorsUrl = (jobId: number) => urlOf("/api/v1/jobs/{job_id}/file", { job_id: jobId }, { which: "errors" });

// drivers
export const listDrivers = (signal: Signal) => call("get", "/api/v1/drivers", { signal });
export const getDriver = (maker: string, model: string, signal: Signal) => call("get", "/api/v1/drivers/{maker}/{model}", { path: { maker, model }, signal });
export const getDriverLayout = (maker: string, model: string, signal: Signal) =>
  call("get", "/api/v1/drivers/{maker}/{model}/layout", { path: { maker, model }, signal });
export const listVectors = (maker: string, model: string, signal: Signal) =>
  call("get", "/api/v1/drivers/{maker}/{model}/vectors", { path: { maker, model }, signal });
export const explainFrame = (maker: string, model: string, hex: string) =>
  call("post", "/api/v1/drivers/{maker}/{model}/explain", { path: { maker, model }, body: { hex } });

// readings
export const readSeries = (meterId: number, query: SeriesQuery, signal: Signal) =>
  call("get", "/api/v1/meters/{meter_id}/readings", { path: { meter_id: meterId }, query, signal });
export const listFrames = (meterId: number, query: { cursor?: string; limit?: number }, signal: Signal) =>
  call("get", "/api/v1/meters/{meter_id}/frames", { path: { meter_id: meterId }, query, signal });
export const collectionReport = (query: ReportQuery, signal: Signal) => call("get", "/api/v1/reports/collection", { query, signal });
export const missingMeters = (query: MissingQuery, signal: Signal) => call("get", "/api/v1/reports/collection/missing", { query, signal });
export const collectionCsv = (query: ReportQuery) => fileUrl("/api/v1/reports/collection.csv", query);
export const collectionXlsx = (query: ReportQuery) => fileUrl("/api/v1/reports/collection.xlsx", query);
export const listExceptions = (query: ExceptionQuery, signal: Signal) => call("get", "/api/v1/exceptions", { query, signal });
export const judgeException = (exceptionId: number, body: Judgement) =>
  call("post", "/api/v1/exceptions/{exception_id}/judge", { path: { exception_id: exceptionId }, body });

// alarms
export const listAlarms = (query: AlarmQuery, signal: Signal) => call("get", "/api/v1/alarms", { query, signal });
export const acknowledgeAlarm = (alarmId: number) => call("post", "/api/v1/alarms/{alarm_id}/acknowledge", { path: { alarm_id: alarmId } });
export const clearAlarm = (alarmId: number) => call("post", "/api/v1/alarms/{alarm_id}/clear", { path: { alarm_id: alarmId } });

// system
export const systemSnapshot = (signal: Signal) => call("get", "/api/v1/system", { signal });
export const listDeadLetters = (query: DeadLetterQuery, signal: Signal) => call("get", "/api/v1/dead-letters", { query, signal });
export const replayDeadLetters = (ids: number[]) => call("post", "/api/v1/dead-letters/replay", { body: { ids } });
export const dismissDeadLetters = (ids: number[]) => call("post", "/api/v1/dead-letters/dismiss", { body: { ids } });
