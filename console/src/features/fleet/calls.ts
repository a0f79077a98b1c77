// SPDX-License-Identifier: Apache-2.0
// The operations on meters, areas, products, drivers and imports.
import { sendFile, urlOf } from "@/api/transport";
import { call, fileUrl, type Abort, type QueryOf, type Schemas } from "@/api/typed";

export type Area = Schemas["Area"];
export type Driver = Schemas["DriverPage"];
export type FrameTrace = Schemas["FrameTrace"];
export type Job = Schemas["Job"];
export type LaidField = Schemas["LaidField"];
export type Meter = Schemas["Meter"];
export type MeterDetail = Schemas["MeterDetail"];
export type MeterChange = Schemas["MeterChange"];
export type NewMeter = Schemas["NewMeter"];
export type Place = Meter["place"];
export type Product = Schemas["Product"];
export type ProductChange = Schemas["ProductChange"];
export type ImportQuery = QueryOf<"start_import">;
export type MeterFileQuery = QueryOf<"download_meters">;
export type MeterQuery = QueryOf<"list_meters">;
export type MeterSort = NonNullable<MeterQuery["sort"]>;
export type MeterStatus = NonNullable<MeterQuery["status"]>;

export const listMeters = (query: MeterQuery, signal: Abort) => call("get", "/api/v1/meters", { query, signal });
export type MonitorRow = Schemas["MonitorRow"];
export type MonitorQuery = QueryOf<"list_monitors">;
export type MonitorKind = NonNullable<MonitorQuery["kind"]>;
export const listMonitors = (query: MonitorQuery, signal: Abort) => call("get", "/api/v1/monitors", { query, signal });
/** Null: too many would have to be looked at. */
export async function countMeters(query: QueryOf<"count_meters">, signal: Abort): Promise<{ count: number; most: number } | null> {
  const { count, most } = await call("get", "/api/v1/meters/count", { query, signal });
  return count === null ? null : { count, most };
}
export const metersFile = (query: MeterFileQuery) => fileUrl("/api/v1/meters/file", query);
export type ImportHeading = Schemas["ImportHeading"];
export const listImportHeadings = (signal: Abort) => call("get", "/api/v1/imports/headings", { signal });
export const setImportHeading = (body: ImportHeading) => call("put", "/api/v1/imports/headings", { body });
export const removeImportHeading = (heading: string) => call("delete", "/api/v1/imports/headings", { query: { heading } });
/** One batch that reads these meters, all of them at once; it is steered, watched and told of as any batch. */
export const readMetersNow = async (numbers: readonly string[], name: string, key: string): Promise<Schemas["Batch"]> => {
  const batch = { name, kind: "read_now" as const, unique_key: key, chosen: { numbers: [...numbers] }, params: {}, groups: [numbers.length], hold_s: 0, failure_limit_ppm: 1_000_000 };
  const made = await call("post", "/api/v1/command-batches", { body: { batch, signer: null } });
  if (made.batch.state !== "drafted") return made.batch; // the same key again is the same batch
  return call("post", "/api/v1/command-batches/{batch_id}/steer", { path: { batch_id: made.batch.batch_id }, body: { action: "start" } });
};
export const getMeter = (meterId: number, signal: Abort) => call("get", "/api/v1/meters/{meter_id}", { path: { meter_id: meterId }, signal });
export const addMeter = (body: NewMeter) => call("post", "/api/v1/meters", { body });
export const changeMeter = (meterId: number, revision: number, body: MeterChange) =>
  call("patch", "/api/v1/meters/{meter_id}", { path: { meter_id: meterId }, body, ifMatch: revision });
export type AreaQuery = QueryOf<"list_areas">;
export type AreaDetail = Schemas["AreaDetail"];
export type AreaKind = Schemas["AreaKind"];
export type NewArea = Schemas["NewArea"];
export type AreaChange = Schemas["AreaChange"];
export type NewAreaKind = Schemas["NewAreaKind"];
export type AreaKindChange = Schemas["AreaKindChange"];
export type Premises = Schemas["Premises"];
export type NewPremises = Schemas["NewPremises"];
export type PremisesChange = Schemas["PremisesChange"];
export const listAreas = (query: AreaQuery, signal: Abort) => call("get", "/api/v1/areas", { query, signal });
export const getArea = (areaId: number, signal: Abort) => call("get", "/api/v1/areas/{area_id}", { path: { area_id: areaId }, signal });
export const addArea = (body: NewArea) => call("post", "/api/v1/areas", { body });
export const changeArea = (areaId: number, body: AreaChange) => call("patch", "/api/v1/areas/{area_id}", { path: { area_id: areaId }, body });
export const jobCard = (meterId: number, language: "zh" | "en") => fileUrl("/api/v1/meters/{meter_id}/job-card", { language }, { meter_id: meterId });
export const areasFile = (query: QueryOf<"download_areas">) => fileUrl("/api/v1/areas/file", query);
export const importAreas = (file: File, reason: string): Promise<Job> =>
  sendFile(urlOf("/api/v1/areas/import", {}, { reason }), file);
export const listAreaImports = (signal: Abort) => call("get", "/api/v1/jobs", { query: { kind: "area_import", limit: 3 }, signal });
export const listAreaKinds = (signal: Abort) => call("get", "/api/v1/area-kinds", { signal });
export const addAreaKind = (body: NewAreaKind) => call("post", "/api/v1/area-kinds", { body });
export const changeAreaKind = (kindId: number, body: AreaKindChange) => call("patch", "/api/v1/area-kinds/{kind_id}", { path: { kind_id: kindId }, body });
export const listPremises = (query: QueryOf<"list_premises">, signal: Abort) => call("get", "/api/v1/premises", { query, signal });
export const getPremises = (premisesId: number, datum: Premises["datum"], signal: Abort) =>
  call("get", "/api/v1/premises/{premises_id}", { path: { premises_id: premisesId }, query: { datum }, signal });
export const addPremises = (body: NewPremises) => call("post", "/api/v1/premises", { body });
export const changePremises = (premisesId: number, revision: number, body: PremisesChange) =>
  call("patch", "/api/v1/premises/{premises_id}", { path: { premises_id: premisesId }, body, ifMatch: revision });
export const listProducts = (signal: Abort) => call("get", "/api/v1/products", { query: { limit: 500 }, signal });
export const changeProduct = (productId: number, body: ProductChange) =>
  call("patch", "/api/v1/products/{product_id}", { path: { product_id: productId }, body });
export const startImport = (file: File, query: ImportQuery): Promise<Job> =>
  sendFile(urlOf("/api/v1/imports", {}, query), file);
export const listImportColumns = (signal: Abort) => call("get", "/api/v1/imports/columns", { signal });
export const importTemplate = (format: "csv" | "xlsx") => fileUrl("/api/v1/imports/template", { format });
export const listImports = (query: { cursor?: string; limit?: number }, signal: Abort) =>
  call("get", "/api/v1/jobs", { query: { kind: "meter_import", limit: 20, ...query }, signal });
export const undoImport = (jobId: number, reason: string, partial: boolean, preview = false) =>
  call("post", "/api/v1/imports/{job_id}/undo", { path: { job_id: jobId }, body: { reason, partial, preview } });
export const listUndos = (query: { cursor?: string; limit?: number }, signal: Abort) =>
  call("get", "/api/v1/jobs", { query: { kind: "import_undo", limit: 5, ...query }, signal });
export const cancelJob = (jobId: number) => call("post", "/api/v1/jobs/{job_id}/cancel", { path: { job_id: jobId } });
export const jobErrorsUrl = (jobId: number) => urlOf("/api/v1/jobs/{job_id}/file", { job_id: jobId }, { which: "errors" });
export const listDrivers = (signal: Abort) => call("get", "/api/v1/drivers", { signal });
export const getDriver = (maker: string, model: string, signal: Abort) => call("get", "/api/v1/drivers/{maker}/{model}", { path: { maker, model }, signal });
export const getDriverLayout = (maker: string, model: string, signal: Abort) =>
  call("get", "/api/v1/drivers/{maker}/{model}/layout", { path: { maker, model }, signal });
export const listVectors = (maker: string, model: string, signal: Abort) =>
  call("get", "/api/v1/drivers/{maker}/{model}/vectors", { path: { maker, model }, signal });
export const explainFrame = (maker: string, model: string, hex: string) =>
  call("post", "/api/v1/drivers/{maker}/{model}/explain", { path: { maker, model }, body: { hex } });

// A utility's own tags.
export type MeterTag = Schemas["MeterTag"];
export type NewTag = Schemas["NewTag"];
export type TagRequest = Schemas["TagRequest"];
export const listTags = (signal: Abort) => call("get", "/api/v1/tags", { signal });
export const addTag = (body: NewTag) => call("post", "/api/v1/tags", { body });
export const changeTag = (tagId: number, body: NewTag) => call("put", "/api/v1/tags/{tag_id}", { path: { tag_id: tagId }, body });
export const removeTag = (tagId: number, reason: string) => call("delete", "/api/v1/tags/{tag_id}", { path: { tag_id: tagId }, query: { reason } });
export const tagMeters = (tagId: number, body: TagRequest) => call("post", "/api/v1/tags/{tag_id}/meters", { path: { tag_id: tagId }, body });

// Lives of meters and where they hang.
export type MeterLife = Schemas["MeterLife"];
export type Installation = Schemas["Installation"];
export type DueQuery = QueryOf<"list_due_meters">;
export type GivenRegister = Schemas["GivenRegister"];
export type AccountVolume = Schemas["AccountVolume"];
export type WithReason<T> = T & { reason: string };
export type InstallBody = WithReason<Schemas["InstallationRequest"]>;
export type ExchangeBody = WithReason<Schemas["ExchangeRequest"]>;
export type RemoveBody = WithReason<Schemas["RemoveRequest"]>;
export type MoveBody = WithReason<Schemas["MoveRequest"]>;
export const getMeterLife = (meterId: number, signal: Abort) => call("get", "/api/v1/meters/{meter_id}/life", { path: { meter_id: meterId }, signal });
export const installMeter = (body: InstallBody & { reason: string }) => call("post", "/api/v1/installations", { body });
export const exchangeMeter = (body: ExchangeBody & { reason: string }) => call("post", "/api/v1/installations/exchange", { body });
export const takeOffMeter = (body: RemoveBody & { reason: string }) => call("post", "/api/v1/installations/remove", { body });
export const moveMeter = (body: MoveBody & { reason: string }) => call("post", "/api/v1/installations/move", { body });
export const acceptInstallation = (installationId: number, key: string) =>
  call("post", "/api/v1/installations/{installation_id}/accept", { path: { installation_id: installationId }, body: { key, reason: "" } });
export const actOnStock = (body: Schemas["StoreRequest"] & { reason: string }) => call("post", "/api/v1/stock/acts", { body });
export const issueByFile = (file: File, reason: string): Promise<Schemas["IssueFileResult"]> =>
  sendFile(urlOf("/api/v1/stock/issue/file", {}, { reason }), file);
export const listInstallations = (query: QueryOf<"list_installations">, signal: Abort) => call("get", "/api/v1/installations", { query, signal });
export const listDueMeters = (query: DueQuery, signal: Abort) => call("get", "/api/v1/meters/due", { query, signal });
export const countDueMeters = (query: QueryOf<"count_due_meters">, signal: Abort) => call("get", "/api/v1/meters/due/counts", { query, signal });
export const dueMetersFile = (query: QueryOf<"download_due_meters">) => fileUrl("/api/v1/meters/due/file", query);

// Driver pages that the utility added; a name is maker/model.
export type UtilityDriverPage = Schemas["UtilityDriverPage"];
export type DriverPageVersion = Schemas["DriverPageVersion"];
const pagePath = (name: string) => ({ maker: name.split("/")[0] ?? "", model: name.split("/")[1] ?? "" });
export const listDriverPages = (signal: Abort) => call("get", "/api/v1/driver-pages", { signal });
export const listDriverPageVersions = (name: string, signal: Abort) =>
  call("get", "/api/v1/driver-pages/{maker}/{model}/versions", { path: pagePath(name), signal });
export const getDriverPageText = (name: string, version: number) =>
  call("get", "/api/v1/driver-pages/{maker}/{model}/versions/{version}", { path: { ...pagePath(name), version } });
export const checkDriverPage = (body: Schemas["GivenDriverPage"]) => call("post", "/api/v1/driver-pages/check", { body });
export const addDriverPage = (body: Schemas["GivenDriverPage"]) => call("post", "/api/v1/driver-pages", { body }); // with its reason
export const chooseDriverPage = (name: string, body: Schemas["DriverPageChoice"]) =>
  call("post", "/api/v1/driver-pages/{maker}/{model}/choose", { path: pagePath(name), body }); // with its reason
export const takeDriverPageAway = (name: string, reason: string) =>
  call("delete", "/api/v1/driver-pages/{maker}/{model}", { path: pagePath(name), query: { reason } });

// Operators' platforms.
export type OperatorPlatform = Schemas["OperatorPlatform"];
export const listOperatorPlatforms = (signal: Abort) => call("get", "/api/v1/operator-platforms", { signal });
export const addOperatorPlatform = (body: Schemas["NewOperatorPlatform"]) => call("post", "/api/v1/operator-platforms", { body }); // with its reason
export const changeOperatorPlatform = (platformId: number, body: Schemas["OperatorPlatformForm"]) =>
  call("put", "/api/v1/operator-platforms/{platform_id}", { path: { platform_id: platformId }, body }); // with its reason
export const removeOperatorPlatform = (platformId: number, reason: string) =>
  call("delete", "/api/v1/operator-platforms/{platform_id}", { path: { platform_id: platformId }, query: { reason } });
export const tryOperatorPlatform = (platformId: number) => call("post", "/api/v1/operator-platforms/{platform_id}/trial", { path: { platform_id: platformId } });
export const askOperatorPlatform = (platformId: number, body: Schemas["AskedSince"]) =>
  call("post", "/api/v1/operator-platforms/{platform_id}/questions", { path: { platform_id: platformId }, body }); // with its reason
export const listOperatorDevices = (platformId: number, query: QueryOf<"list_operator_devices">, signal: Abort) =>
  call("get", "/api/v1/operator-platforms/{platform_id}/devices", { path: { platform_id: platformId }, query, signal });
// Concentrators and DTUs.
export type Concentrator = Schemas["RegisteredConcentrator"];
export type NewConcentrator = Schemas["NewConcentrator"];
export type ConcentratorChange = Schemas["ConcentratorChange"];
export type ConcentratorMetersChange = Schemas["ConcentratorMetersChange"];
export type ConcentratorImport = Schemas["ConcentratorImport"];
export const listConcentrators = (query: QueryOf<"list_concentrators">, signal: Abort) => call("get", "/api/v1/concentrators", { query, signal });
export const concentratorsFile = () => urlOf("/api/v1/concentrators/file", {}, {});
export const getConcentrator = (concentratorId: number, signal: Abort) =>
  call("get", "/api/v1/concentrators/{concentrator_id}", { path: { concentrator_id: concentratorId }, signal });
export const listBehind = (concentratorId: number, query: QueryOf<"list_behind">, signal: Abort) =>
  call("get", "/api/v1/concentrators/{concentrator_id}/meters", { path: { concentrator_id: concentratorId }, query, signal });
export const addConcentrator = (body: NewConcentrator) => call("post", "/api/v1/concentrators", { body });
export const changeConcentrator = (concentratorId: number, body: ConcentratorChange) =>
  call("patch", "/api/v1/concentrators/{concentrator_id}", { path: { concentrator_id: concentratorId }, body });
export const changeBehind = (concentratorId: number, body: ConcentratorMetersChange) =>
  call("post", "/api/v1/concentrators/{concentrator_id}/meters", { path: { concentrator_id: concentratorId }, body }); // with its reason
export const removeConcentrator = (concentratorId: number, reason: string) =>
  call("delete", "/api/v1/concentrators/{concentrator_id}", { path: { concentrator_id: concentratorId }, query: { reason } });
export const importConcentrators = (file: File): Promise<ConcentratorImport> =>
  sendFile(urlOf("/api/v1/concentrators/import", {}, {}), file);
export const meterFaults = (meterId: number, signal: Abort) => call("get", "/api/v1/meters/{meter_id}/fault-codes", { path: { meter_id: meterId }, signal });
