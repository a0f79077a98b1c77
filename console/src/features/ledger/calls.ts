// SPDX-License-Identifier: Apache-2.0
// The operations on the ledger.
import { call, fileUrl, type Abort, type QueryOf, type Schemas } from "@/api/typed";

export type BookedEntry = Schemas["BookedEntry"];
export type LedgerAct = Schemas["LedgerAct"];
export type NewAct = Schemas["NewAct"];
export type TrialBalance = Schemas["TrialBalance"];
export type Period = QueryOf<"read_trial_balance">;
export type EntryQuery = QueryOf<"list_entries">;
export type ActState = NonNullable<QueryOf<"list_acts">["state"]>;

export const trialBalance = (query: Period, signal: Abort) => call("get", "/api/v1/ledger/trial-balance", { query, signal });
export const journalCsv = (query: Period) => fileUrl("/api/v1/ledger/journal.csv", query);
export const journalXlsx = (query: Period) => fileUrl("/api/v1/ledger/journal.xlsx", query);
export const listEntries = (query: EntryQuery, signal: Abort) => call("get", "/api/v1/ledger/entries", { query, signal });
export const listActs = (query: QueryOf<"list_acts">, signal: Abort) => call("get", "/api/v1/ledger/acts", { query, signal });
export const askForAct = (body: Omit<NewAct, "reason">, reason: string) => call("post", "/api/v1/ledger/acts", { body: { ...body, reason } });
export const approveAct = (actId: number, reason: string) => call("post", "/api/v1/ledger/acts/{act_id}/approve", { path: { act_id: actId }, body: { reason } });
export const rejectAct = (actId: number, reason: string) => call("post", "/api/v1/ledger/acts/{act_id}/reject", { path: { act_id: actId }, body: { reason } });
export const closedMonths = (signal: Abort) => call("get", "/api/v1/ledger/months", { signal });
export const closeMonth = (month: string, reason: string) => call("post", "/api/v1/ledger/months/{month}/close", { path: { month }, body: { reason } });
