// SPDX-License-Identifier: Apache-2.0
// The operations of the first page.
import { call, type Abort, type Schemas } from "@/api/typed";

export type HomeSummary = Schemas["HomeSummary"];
export type MeterTotals = Schemas["MeterTotals"];
export type Waiting = Schemas["Waiting"];
export type Queue = Schemas["WorkWaiting"]["queue"];

export const readHome = (signal: Abort) => call("get", "/api/v1/home", { signal });
export const listWaiting = (signal: Abort) => call("get", "/api/v1/waiting", { signal });

export type Complaint = Schemas["MeterDiagnosis"]["complaint"];
export type DiagnosisStep = Schemas["DiagnosisStep"];
export const diagnoseMeter = (meterId: number, complaint: Complaint, signal: Abort) => call("get", "/api/v1/meters/{meter_id}/diagnosis", { path: { meter_id: meterId }, query: { complaint }, signal });
