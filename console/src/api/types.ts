// SPDX-License-Identifier: Apache-2.0
// Short names for the generated shapes.
import type { components, operations } from "./schema";

type Schemas = components["schemas"];
type Query<O extends keyof operations> = NonNullable<operations[O]["parameters"]["query"]>;

export type Alarm = Schemas["Alarm"];
export type Area = Schemas["Area"];
export type CollectionReport = Schemas["CollectionReport"];
export type DeadLetter = Schemas["DeadLetter"];
export type Frame = Schemas["Frame"];
export type Me = Schemas["SessionInfo"];
export type Meter = Schemas["Meter"];
export type MeterDetail = Schemas["MeterDetail"];
export type Product = Schemas["Product"];
export type Reading = Schemas["SeriesPoint"];
export type Role = Schemas["Role"];
export type Severity = Alarm["severity"];

export type AlarmQuery = Query<"list_alarms">;
export type AlarmStatus = NonNullable<AlarmQuery["status"]>;
export type DeadLetterQuery = Query<"list_dead_letters">;
export type DeadLetterStatus = NonNullable<DeadLetterQuery["status"]>;
export type MeterQuery = Query<"list_meters">;
export type MeterSort = NonNullable<MeterQuery["sort"]>;
export type MeterStatus = NonNullable<MeterQuery["status"]>;
export type ReportQuery = Query<"read_collection_report">;
export type ReportBy = NonNullable<ReportQuery["by"]>;
export type SeriesQuery = Query<"read_series">;
export type Step = "slot" | "hour" | "day" | "week" | "month" | "quarter" | "year";
