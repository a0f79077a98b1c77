// SPDX-License-Identifier: Apache-2.0
// The operations on readings, frames, signals, findings and the collection report.
import { sendFile, urlOf } from "@/api/transport";
import { call, fileUrl, type Abort, type QueryOf, type Schemas } from "@/api/typed";

export type CollectionReport = Schemas["CollectionReport"];
export type CollectionRow = Schemas["CollectionRow"];
export type DayVersion = Schemas["Version"];
export type EditQuery = QueryOf<"list_edits">;
export type EditState = NonNullable<EditQuery["state"]>;
export type Frame = Schemas["Frame"];
export type HeldMessages = Schemas["HeldMessages"];
export type Judgement = Schemas["Judgement"];
export type NewestValue = Schemas["NewestValue"];
export type QuantitySeries = Schemas["QuantitySeries"];
export type SeriesValue = Schemas["SeriesValue"];
export type Reading = Schemas["SeriesPoint"];
export type ReadingEdit = Schemas["ReadingEdit"];
export type ReadingException = Schemas["ReadingException"];
export type Signal = Schemas["Signal"];
export type Verdict = Judgement["verdict"];
export type ExceptionQuery = QueryOf<"list_exceptions">;
export type ExceptionStatus = NonNullable<ExceptionQuery["status"]>;
export type MissingMeter = Schemas["MissingMeter"];
export type MissingQuery = QueryOf<"list_missing_meters">;
export type ReportQuery = QueryOf<"read_collection_report">;
export type ReportBy = NonNullable<ReportQuery["by"]>;
export type SeriesQuery = QueryOf<"read_series">;
export type SignalQuery = QueryOf<"list_signals">;
export type Step = "slot" | "hour" | "day" | "week" | "month" | "quarter" | "year";

export const readSeries = (meterId: number, query: SeriesQuery, signal: Abort) =>
  call("get", "/api/v1/meters/{meter_id}/readings", { path: { meter_id: meterId }, query, signal });
export type QuantityQuery = QueryOf<"read_quantities">;
export const readQuantities = (meterId: number, query: QuantityQuery, signal: Abort) =>
  call("get", "/api/v1/meters/{meter_id}/series", { path: { meter_id: meterId }, query, signal });
export const quantitiesCsv = (meterId: number, query: QuantityQuery) => fileUrl("/api/v1/meters/{meter_id}/series.csv", query, { meter_id: meterId });
export const listQuantities = (meterId: number, signal: Abort) => call("get", "/api/v1/meters/{meter_id}/quantities", { path: { meter_id: meterId }, signal });
export const listFrames = (meterId: number, query: { cursor?: string; limit?: number; direction?: "up" | "down" }, signal: Abort) =>
  call("get", "/api/v1/meters/{meter_id}/frames", { path: { meter_id: meterId }, query, signal });
export const listSignals = (meterId: number, query: SignalQuery, signal: Abort) =>
  call("get", "/api/v1/meters/{meter_id}/signals", { path: { meter_id: meterId }, query, signal });
export type ReportDay = Schemas["ReportDay"];
export type ReportDaysQuery = QueryOf<"read_report_days">;
export const reportDays = (query: ReportDaysQuery, signal: Abort) => call("get", "/api/v1/reports/days", { query, signal });
export const collectionReport = (query: ReportQuery, signal: Abort) => call("get", "/api/v1/reports/collection", { query, signal });
export const accuracyReport = (query: ReportQuery, signal: Abort) => call("get", "/api/v1/reports/accuracy", { query, signal });
export const accuracyCsv = (query: ReportQuery) => fileUrl("/api/v1/reports/accuracy.csv", query);
export const accuracyXlsx = (query: ReportQuery) => fileUrl("/api/v1/reports/accuracy.xlsx", query);
export const missingMeters = (query: MissingQuery, signal: Abort) => call("get", "/api/v1/reports/collection/missing", { query, signal });
export const collectionCsv = (query: ReportQuery) => fileUrl("/api/v1/reports/collection.csv", query);
export const collectionXlsx = (query: ReportQuery) => fileUrl("/api/v1/reports/collection.xlsx", query);
export const listExceptions = (query: ExceptionQuery, signal: Abort) => call("get", "/api/v1/exceptions", { query, signal });
export type ExceptionGroup = Schemas["ExceptionGroup"];
export type GroupBy = NonNullable<QueryOf<"group_exceptions">["by"]>;
export const groupExceptions = (query: QueryOf<"group_exceptions">, signal: Abort) => call("get", "/api/v1/exceptions/groups", { query, signal });
export const heldMessages = (exceptionId: number, signal: Abort) =>
  call("get", "/api/v1/exceptions/{exception_id}/held", { path: { exception_id: exceptionId }, signal });
export const judgeException = (exceptionId: number, body: Judgement) =>
  call("post", "/api/v1/exceptions/{exception_id}/judge", { path: { exception_id: exceptionId }, body });
export const listEdits = (query: EditQuery, signal: Abort) => call("get", "/api/v1/edits", { query, signal });
export const editsCsv = (query: QueryOf<"download_edits_csv">) => fileUrl("/api/v1/edits.csv", query);
export type ManualReading = Schemas["TakenReading"];
export type NewReading = Schemas["NewReading"];
export type ManualQuery = QueryOf<"list_manual_readings">;
export type ManualState = NonNullable<ManualQuery["state"]>;
export type ReadingJob = Schemas["Job"];
export const listManual = (query: ManualQuery, signal: Abort) => call("get", "/api/v1/manual-readings", { query, signal });
export const manualFile = (query: QueryOf<"download_manual_readings">) => fileUrl("/api/v1/manual-readings/file", query);
export const takeReading = (body: NewReading) => call("post", "/api/v1/manual-readings", { body });
export const importReadings = (file: File, query: QueryOf<"import_readings">): Promise<ReadingJob> =>
  sendFile(urlOf("/api/v1/manual-readings/import", {}, query), file);
export const listReadingImports = (query: { cursor?: string; limit?: number }, signal: Abort) =>
  call("get", "/api/v1/jobs", { query: { kind: "reading_import", limit: 20, ...query }, signal });
export const approveEdit = (editId: number, reason: string) => call("post", "/api/v1/edits/{edit_id}/approve", { path: { edit_id: editId }, body: { reason } });
export const rejectEdit = (editId: number, reason: string) => call("post", "/api/v1/edits/{edit_id}/reject", { path: { edit_id: editId }, body: { reason } });
export const undoEdit = (editId: number, reason: string) => call("post", "/api/v1/edits/{edit_id}/undo", { path: { edit_id: editId }, body: { reason } });
export const dayVersions = (meterId: number, day: string, signal: Abort) =>
  call("get", "/api/v1/meters/{meter_id}/days/{day}/versions", { path: { meter_id: meterId, day }, signal });
export const versionsCsv = (meterId: number, query: QueryOf<"download_versions_csv">) => fileUrl("/api/v1/meters/{meter_id}/versions.csv", query, { meter_id: meterId });

export type RegisterAt = Schemas["RegisterAt"];
export type RegistersQuery = QueryOf<"list_registers_at">;
export type Sums = Schemas["Sums"];
export type SumsBy = Sums["by"];
export type SavedQuestion = Schemas["SavedQuestion"];
export type NewSavedQuery = Schemas["NewSavedQuery"];
export const listRegistersAt = (query: RegistersQuery, signal: Abort) => call("get", "/api/v1/bulk/registers", { query, signal });
export const registersCsv = (query: QueryOf<"download_registers_csv">) => fileUrl("/api/v1/bulk/registers.csv", query);
export const registersXlsx = (query: QueryOf<"download_registers_xlsx">) => fileUrl("/api/v1/bulk/registers.xlsx", query);
export const readSums = (query: QueryOf<"read_sums">, signal: Abort) => call("get", "/api/v1/bulk/sums", { query, signal });
export const sumsCsv = (query: QueryOf<"download_sums_csv">) => fileUrl("/api/v1/bulk/sums.csv", query);
export const sumsXlsx = (query: QueryOf<"download_sums_xlsx">) => fileUrl("/api/v1/bulk/sums.xlsx", query);
export const valuesFile = (query: QueryOf<"export_values">) => fileUrl("/api/v1/bulk/values", query);
export const insertValues = (file: File, query: QueryOf<"insert_values">): Promise<ReadingJob> => sendFile(urlOf("/api/v1/bulk/values", {}, query), file);
export const listValueImports = (query: { cursor?: string; limit?: number }, signal: Abort) =>
  call("get", "/api/v1/jobs", { query: { kind: "value_import", limit: 20, ...query }, signal });
export const listSavedQueries = (signal: Abort) => call("get", "/api/v1/saved-queries", { signal });
export const saveQuery = (body: NewSavedQuery) => call("post", "/api/v1/saved-queries", { body });
export const removeSavedQuery = (savedId: number) => call("delete", "/api/v1/saved-queries/{saved_id}", { path: { saved_id: savedId } });
export const runSavedUrl = (savedId: number) => fileUrl("/api/v1/saved-queries/{saved_id}/run", {} as never, { saved_id: savedId });

export type CollectionTask = Schemas["CollectionTask"];
export type NewTask = Schemas["NewTask"];
export type VisitMeter = Schemas["VisitMeter"];
export type TaskQuery = QueryOf<"list_collection_tasks">;
export type VisitQuery = QueryOf<"list_visits">;
export const listTasks = (query: TaskQuery, signal: Abort) => call("get", "/api/v1/collection-tasks", { query, signal });
export const setTask = (task: Omit<NewTask, "reason">, reason: string) => call("post", "/api/v1/collection-tasks", { body: { ...task, reason } });
export const endTask = (taskId: number, reason: string) => call("post", "/api/v1/collection-tasks/{task_id}/end", { path: { task_id: taskId }, body: { reason } });
export const meterTask = (meterId: number, signal: Abort) => call("get", "/api/v1/meters/{meter_id}/task", { path: { meter_id: meterId }, signal });
export const meterGaps = (meterId: number, signal: Abort) => call("get", "/api/v1/meters/{meter_id}/gaps", { path: { meter_id: meterId }, signal });
export const rereadEffect = (signal: Abort) => call("get", "/api/v1/rereads/effect", { signal });
export const listVisits = (query: VisitQuery, signal: Abort) => call("get", "/api/v1/visits", { query, signal });
export const visitsCsv = (query: QueryOf<"download_visits_csv">) => fileUrl("/api/v1/visits.csv", query);
export const closeVisit = (meterId: number, reason: string) => call("post", "/api/v1/meters/{meter_id}/visit/close", { path: { meter_id: meterId }, body: { reason } });
export const askAgain = (meterId: number, reason: string) => call("post", "/api/v1/meters/{meter_id}/visit/again", { path: { meter_id: meterId }, body: { reason } });
