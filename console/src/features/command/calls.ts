// SPDX-License-Identifier: Apache-2.0
// The operations about commands, batches, the stop switch, report times and a meter's LwM2M objects.
import { urlOf } from "@/api/transport";
import { call, fileUrl, type Abort, type QueryOf, type Schemas } from "@/api/typed";

export type Batch = Schemas["Batch"];
export type BatchAction = Schemas["Steer"]["action"];
export type BatchState = Schemas["BatchState"];
export type Command = Schemas["Command"];
export type CommandDetail = Schemas["CommandDetail"];
export type CommandKind = Schemas["Kind"];
export type CommandKindInfo = Schemas["CommandKindInfo"];
export type CommandPolicy = Schemas["CommandPolicy"];
export type CommandParameter = Schemas["CommandParameter"];
export type CommandState = Schemas["State"];
export type KeyVerdict = Schemas["KeyVerdict"];
export type SafetyClosing = Schemas["SafetyClosing"];
export type MeterCommands = Schemas["MeterCommands"];
export type NewBatch = Schemas["NewBatch"];
export type NewCommand = Schemas["NewCommand"];
export type NetworkCapacity = Schemas["NetworkCapacity"];
export type PlannedCell = Schemas["PlannedCell"];
export type PlanRequest = Schemas["PlanRequest"];
export type ReportPlan = Schemas["ReportPlan"];
export type Second = Schemas["SignerLogin"];
export type ShadowEntry = Schemas["ShadowEntry"];
export type CommandQuery = QueryOf<"list_commands">;
export type CommandSort = NonNullable<CommandQuery["sort"]>;
type FileQuery = QueryOf<"download_commands">;
export type ObjectDefinition = Schemas["ObjectDefinition"];
export type ResourceDefinition = Schemas["ResourceDefinition"];
export type MeterObjects = Schemas["MeterObjects"];
export type ObjectValue = Schemas["ObjectValue"];
export type MeterOperation = Schemas["MeterOperation"];
export type OperationResult = Schemas["OperationResult"];

export const listKinds = (meterId: number, signal: Abort) =>
  call("get", "/api/v1/meters/{meter_id}/command-kinds", { path: { meter_id: meterId }, signal });
export const giveCommand = (meterId: number, body: NewCommand) =>
  call("post", "/api/v1/meters/{meter_id}/commands", { path: { meter_id: meterId }, body });
export const listCommands = (query: CommandQuery, signal: Abort) => call("get", "/api/v1/commands", { query, signal });
export const commandsCsv = (query: FileQuery) => fileUrl("/api/v1/commands.csv", query);
export const getCommand = (commandId: number, signal: Abort) =>
  call("get", "/api/v1/commands/{command_id}", { path: { command_id: commandId }, signal });
export const meterLogUrl = (commandId: number, format: "text" | "csv") => urlOf("/api/v1/commands/{command_id}/log", { command_id: commandId }, { format });
export const cancelCommand = (commandId: number, reason: string) =>
  call("post", "/api/v1/commands/{command_id}/cancel", { path: { command_id: commandId }, body: { reason } });
export const approveCommand = (commandId: number, signer: Second) =>
  call("post", "/api/v1/commands/{command_id}/approve", { path: { command_id: commandId }, body: { signer } });
export const getShadow = (meterId: number, signal: Abort) => call("get", "/api/v1/meters/{meter_id}/shadow", { path: { meter_id: meterId }, signal });

// safety closings
export const listClosings = (query: QueryOf<"list_safety_closings">, signal: Abort) => call("get", "/api/v1/safety-closings", { query, signal });
export const inspectSite = (meterId: number, body: Schemas["SiteInspection"]) =>
  call("post", "/api/v1/meters/{meter_id}/site-inspection", { path: { meter_id: meterId }, body });

// batches
export const listBatches = (query: { cursor?: string; limit?: number }, signal: Abort) => call("get", "/api/v1/command-batches", { query, signal });
export const makeBatch = (batch: NewBatch, signer: Second | null) => call("post", "/api/v1/command-batches", { body: { batch, signer } });
export const getBatch = (batchId: number, signal: Abort) =>
  call("get", "/api/v1/command-batches/{batch_id}", { path: { batch_id: batchId }, signal });
export const steerBatch = (batchId: number, action: BatchAction) =>
  call("post", "/api/v1/command-batches/{batch_id}/steer", { path: { batch_id: batchId }, body: { action } });
export const approveBatch = (batchId: number, signer: Second) =>
  call("post", "/api/v1/command-batches/{batch_id}/approve", { path: { batch_id: batchId }, body: { signer } });
export const invertBatch = (batchId: number, uniqueKey: string) =>
  call("post", "/api/v1/command-batches/{batch_id}/inverse", { path: { batch_id: batchId }, body: { unique_key: uniqueKey } });
export const listBatchMeters = (batchId: number, query: { cursor?: string; limit?: number }, signal: Abort) =>
  call("get", "/api/v1/command-batches/{batch_id}/meters", { path: { batch_id: batchId }, query, signal });
export const batchResultUrl = (batchId: number) => urlOf("/api/v1/command-batches/{batch_id}/result", { batch_id: batchId });

// stop switch
export const getStop = (signal: Abort) => call("get", "/api/v1/command-stop", { signal });
export const stopCommands = (reason: string) => call("post", "/api/v1/command-stop", { body: { reason } });
export const resumeCommands = (signer: Second) => call("post", "/api/v1/command-stop/resume", { body: { signer } });

// what the signer's rules rest on
export const listUnsignedFacts = (newOnly: boolean, signal: Abort) => call("get", "/api/v1/signed-facts", { query: { new_only: newOnly }, signal });
export const signFacts = (body: Schemas["NewFacts"]) => call("post", "/api/v1/signed-facts", { body }); // with a reason in it

// report times
export const previewPlan = (body: PlanRequest) => call("post", "/api/v1/report-plan", { body });
export const applyPlan = (body: PlanRequest, name: string, uniqueKey: string) =>
  call("post", "/api/v1/report-plan/apply", { body: { ...body, name, unique_key: uniqueKey } });
export const getPolicy = (signal: Abort) => call("get", "/api/v1/command-policy", { signal });
export const setPolicy = (policy: CommandPolicy, reason: string) => call("put", "/api/v1/command-policy", { query: { reason }, body: policy });
export const listCapacities = (signal: Abort) => call("get", "/api/v1/cell-capacities", { signal });
export const setCapacities = (lines: NetworkCapacity[]) => call("put", "/api/v1/cell-capacities", { body: lines });

export type MeterEvent = Schemas["MeterEvent"];
export const listMeterEvents = (meterId: number, query: { cursor?: string; limit?: number }, signal: Abort) =>
  call("get", "/api/v1/meters/{meter_id}/timeline", { path: { meter_id: meterId }, query, signal });

// LwM2M objects
export const listObjectDefinitions = (signal: Abort) => call("get", "/api/v1/lwm2m/objects", { signal });
export const getMeterObjects = (meterId: number, signal: Abort) =>
  call("get", "/api/v1/meters/{meter_id}/objects", { path: { meter_id: meterId }, signal });
export const operateMeter = (meterId: number, body: MeterOperation) =>
  call("post", "/api/v1/meters/{meter_id}/operations", { path: { meter_id: meterId }, body });
