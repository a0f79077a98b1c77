// SPDX-License-Identifier: Apache-2.0
// The operations of network management.
import { call, type Abort, type QueryOf, type Schemas } from "@/api/typed";

export type Topology = Schemas["Topology"];
export type NetworkNode = Schemas["NetworkNode"];
export type NetworkPlace = Schemas["NetworkPlace"];
export type NetworkHistory = Schemas["NetworkHistory"];
export type NetworkEvent = Schemas["NetworkEvent"];

export const readTopology = (signal: Abort) => call("get", "/api/v1/network/topology", { signal });
export const readNetworkNode = (concentratorId: number, query: QueryOf<"read_network_node">, signal: Abort) =>
  call("get", "/api/v1/network/nodes/{concentrator_id}", { path: { concentrator_id: concentratorId }, query, signal });
export const readNetworkDays = (concentratorId: number, query: QueryOf<"read_network_days">, signal: Abort) =>
  call("get", "/api/v1/network/nodes/{concentrator_id}/days", { path: { concentrator_id: concentratorId }, query, signal });
export const listNetworkEvents = (query: QueryOf<"list_network_events">, signal: Abort) => call("get", "/api/v1/network/events", { query, signal });
export const placeNetworkNode = (concentratorId: number, relay: number, body: NetworkPlace) =>
  call("put", "/api/v1/network/nodes/{concentrator_id}/place", { path: { concentrator_id: concentratorId }, query: { relay }, body });
