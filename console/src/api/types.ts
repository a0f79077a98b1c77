// SPDX-License-Identifier: Apache-2.0
// Short names for the generated shapes.
import type { components, operations } from "./schema";

type Schemas = components["schemas"];
type Query<O extends keyof operations> = NonNullable<operations[O]["parameters"]["query"]>;

export type Alarm = Schemas["Alarm"];
export type Area = Schemas["Area"];
export type ApiToken = Schemas["ApiToken"];
export type AuditEntry = Schemas["AuditEntry"];
export type CollectionReport = Schemas["CollectionReport"];
export type CollectionRow = Schemas["CollectionRow"];
export type DeadLetter = Schemas["DeadLetter"];
export type Driver = Schemas["DriverPage"];
export type DriverVector = Schemas["DriverVector"];
export type FieldProblem = Schemas["FieldProblem"];
export type Frame = Schemas["Frame"];
export type FrameTrace = Schemas["FrameTrace"];
export type Job = Schemas["Job"];
export type Judgement = Schemas["Judgement"];
export type LaidField = Schemas["LaidField"];
export type Me = Schemas["SessionInfo"];
export type Meter = Schemas["Meter"];
export type MeterDetail = Schemas["MeterDetail"];
export type MeterChange = Schemas["MeterChange"];
export type NewMeter = Schemas["NewMeter"];
export type NewToken = Schemas["NewToken"];
export type NewUser = Schemas["NewUser"];
export type Place = Meter["place"];
export type Product = Schemas["Product"];
export type Reading = Schemas["SeriesPoint"];
export type ReadingException = Schemas["ReadingException"];
export type Role = Schemas["Role"];
export type Severity = Alarm["severity"];
export type Signal = Schemas["Signal"];
export type TracedField = Schemas["TracedField"];
export type User = Schemas["User"];
export type UserChange = Schemas["UserChange"];
export type Verdict = Judgement["verdict"];

export type AlarmQuery = Query<"list_alarms">;
export type AlarmStatus = NonNullable<AlarmQuery["status"]>;
export type DeadLetterQuery = Query<"list_dead_letters">;
export type DeadLetterStatus = NonNullable<DeadLetterQuery["status"]>;
export type AuditQuery = Query<"list_audit">;
export type ExceptionQuery = Query<"list_exceptions">;
export type ExceptionStatus = NonNullable<ExceptionQuery["status"]>;
export type ImportQuery = Query<"start_import">;
export type MeterFileQuery = Query<"download_meters">;
export type MissingQuery = Query<"list_missing_meters">;
export type MeterQuery = Query<"list_meters">;
export type MeterSort = NonNullable<MeterQuery["sort"]>;
export type MeterStatus = NonNullable<MeterQuery["status"]>;
export type ReportQuery = Query<"read_collection_report">;
export type ReportBy = NonNullable<ReportQuery["by"]>;
export type SeriesQuery = Query<"read_series">;
export type SignalQuery = Query<"list_signals">;
export type Step = "slot" | "hour" | "day" | "week" | "month" | "quarter" | "year";
