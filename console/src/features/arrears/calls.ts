// SPDX-License-Identifier: Apache-2.0
// The operations on what follows from arrears.
import { call, type Abort, type QueryOf, type Schemas } from "@/api/typed";

export type ClassRule = Schemas["ClassRule"];
export type ArrearsStep = Schemas["ArrearsStep"];
export type ArrearsSimulation = Schemas["ArrearsSimulation"];
export type DayOff = Schemas["DayOff"];
export type RuleEntry = Schemas["RuleEntry"];
export type CustomerClass = ClassRule["customer_class"];
export const CLASSES: readonly CustomerClass[] = ["resident", "combined", "non_resident", "special"];

export const listRules = (signal: Abort) => call("get", "/api/v1/arrears-rules", { signal });
export const setRule = (customerClass: CustomerClass, entry: RuleEntry) => call("put", "/api/v1/arrears-rules/{customer_class}", { path: { customer_class: customerClass }, body: entry });
export const switchRule = (customerClass: CustomerClass, isOn: boolean, reason: string) => call("post", "/api/v1/arrears-rules/{customer_class}/switch", { path: { customer_class: customerClass }, body: { is_on: isOn, reason } });
export const simulate = () => call("post", "/api/v1/arrears/simulation", {});
export const readDaysOff = (year: number, signal: Abort) => call("get", "/api/v1/days-off/{year}", { path: { year }, signal });
export const setDaysOff = (year: number, days: DayOff[], reason: string) => call("put", "/api/v1/days-off/{year}", { path: { year }, body: { days, reason } });
export const holdAccount = (accountId: number, until: string | null, reason: string) => call("put", "/api/v1/accounts/{account_id}/arrears-hold", { path: { account_id: accountId }, body: { until, reason } });
export const listSteps = (query: QueryOf<"list_arrears_steps">, signal: Abort) => call("get", "/api/v1/arrears-steps", { query, signal });
export const giveStep = (stepId: number, signer: { login: string; password: string }, reason: string) => call("post", "/api/v1/arrears-steps/{step_id}/give", { path: { step_id: stepId }, body: { signer, reason } });
export const declineStep = (stepId: number, reason: string) => call("post", "/api/v1/arrears-steps/{step_id}/decline", { path: { step_id: stepId }, body: { reason } });
