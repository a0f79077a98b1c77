// SPDX-License-Identifier: Apache-2.0
// The operations on a meter's LwM2M objects.
import type { components } from "./schema";
import { call } from "./typed";

type Schemas = components["schemas"];
type Signal = AbortSignal | undefined;
export type ObjectDefinition = Schemas["ObjectDefinition"];
export type ResourceDefinition = Schemas["ResourceDefinition"];
export type MeterObjects = Schemas["MeterObjects"];
export type ObjectValue = Schemas["ObjectValue"];
export type MeterOperation = Schemas["MeterOperation"];
export type OperationResult = Schemas["OperationResult"];

export const listObjectDefinitions = (signal: Signal) => call("get", "/api/v1/lwm2m/objects", { signal });
export const getMeterObjects = (meterId: number, signal: Signal) =>
  call("get", "/api/v1/meters/{meter_id}/objects", { path: { meter_id: meterId }, signal });
export const operateMeter = (meterId: number, body: MeterOperation) =>
  call("post", "/api/v1/meters/{meter_id}/operations", { path: { meter_id: meterId }, body });
