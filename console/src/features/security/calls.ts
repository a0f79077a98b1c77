// SPDX-License-Identifier: Apache-2.0
// The operations about terminals, unknown terminals and keys.
import { sendFile, sendRaw, urlOf } from "@/api/transport";
import { call, type Abort, type QueryOf, type Schemas } from "@/api/typed";
import type { Job, NewMeter } from "@/features/fleet/calls";

export type MeterSecurity = Schemas["MeterSecurity"];
export type TerminalRow = Schemas["TerminalRow"];
export type TerminalFinding = Schemas["TerminalFinding"];
export type TerminalState = MeterSecurity["state"];
export type UnknownTerminal = Schemas["UnknownTerminal"];
export type HeldState = Schemas["Hold"]["state"];
export type KeyWish = Schemas["KeyWish"];
export type TerminalQuery = QueryOf<"list_terminals">;
export type OnboardingQuery = QueryOf<"list_unknown_terminals">;
export type RefusalQuery = QueryOf<"list_access_refusals">;
export type KeySummaryQuery = QueryOf<"read_key_summary">;
export type AccessPolicy = Schemas["AccessPolicy"];

export const getSecurity = (meterId: number, signal: Abort) =>
  call("get", "/api/v1/meters/{meter_id}/security", { path: { meter_id: meterId }, signal });
export const listFindings = (meterId: number, query: { cursor?: string; limit?: number }, signal: Abort) =>
  call("get", "/api/v1/meters/{meter_id}/findings", { path: { meter_id: meterId }, query, signal });
export const releaseTerminal = (meterId: number, note: string) =>
  call("post", "/api/v1/meters/{meter_id}/security/release", { path: { meter_id: meterId }, body: { note } });
export const holdTerminal = (meterId: number, state: HeldState, note: string) =>
  call("post", "/api/v1/meters/{meter_id}/security/hold", { path: { meter_id: meterId }, body: { state, note } });
export const listTerminals = (query: TerminalQuery, signal: Abort) => call("get", "/api/v1/terminals", { query, signal });
export const listUnknown = (query: OnboardingQuery, signal: Abort) => call("get", "/api/v1/onboarding", { query, signal });
export const listRefusals = (query: RefusalQuery, signal: Abort) => call("get", "/api/v1/refusals", { query, signal });
export const acceptUnknown = (imei: string, body: NewMeter) => call("post", "/api/v1/onboarding/{imei}/accept", { path: { imei }, body });
export const dismissUnknown = (imei: string) => call("post", "/api/v1/onboarding/{imei}/dismiss", { path: { imei } });
export const getPolicy = (signal: Abort) => call("get", "/api/v1/access-policy", { signal });
export const setPolicy = (body: AccessPolicy, reason: string) => call("put", "/api/v1/access-policy", { body, query: { reason } });
export const getKeySummary = (signal: Abort, query: KeySummaryQuery = {}) => call("get", "/api/v1/keys", { query, signal });
export const generateKeys = (body: KeyWish) => call("post", "/api/v1/keys/generate", { body });
export const destroyKey = (meterId: number, reason: string) =>
  call("delete", "/api/v1/meters/{meter_id}/key", { path: { meter_id: meterId }, query: { reason } });
export const listKeyJobs = (kind: "key_import" | "key_generate", signal: Abort) =>
  call("get", "/api/v1/jobs", { query: { kind, limit: 10 }, signal });
export const importKeys = (file: File, partial: boolean, reason: string): Promise<Job> =>
  sendFile(urlOf("/api/v1/keys/import", {}, { partial, reason }), file);
/** The file for the maker; the server has it no more afterwards. */
export const takeKeyFile = async (jobId: number, reason: string): Promise<Blob> =>
  (await sendRaw(urlOf("/api/v1/keys/files/{job_id}/take", { job_id: jobId }), { method: "POST", accept: "text/csv", body: { reason } })).blob();
