// SPDX-License-Identifier: Apache-2.0
// The operations of network management.
import { call, type Abort, type QueryOf, type Schemas } from "@/api/typed";

export type Topology = Schemas["Topology"];
export type NetworkNode = Schemas["NetworkNode"];
export type NetworkPlace = Schemas["NetworkPlace"];
export type NetworkHistory = Schemas["NetworkHistory"];
export type NetworkEvent = Schemas["NetworkEvent"];
export type GatewayParameters = Schemas["GatewayParameters"];
export type GatewayParameter = Schemas["GatewayParameter"];
export type GatewayCommand = Schemas["GatewayCommandInfo"];
export type NewGatewayCommand = Schemas["NewGatewayCommand"];

export const readTopology = (signal: Abort) => call("get", "/api/v1/network/topology", { signal });
export const readNetworkNode = (concentratorId: number, query: QueryOf<"read_network_node">, signal: Abort) =>
  call("get", "/api/v1/network/nodes/{concentrator_id}", { path: { concentrator_id: concentratorId }, query, signal });
export const readNetworkDays = (concentratorId: number, query: QueryOf<"read_network_days">, signal: Abort) =>
  call("get", "/api/v1/network/nodes/{concentrator_id}/days", { path: { concentrator_id: concentratorId }, query, signal });
export const listNetworkEvents = (query: QueryOf<"list_network_events">, signal: Abort) => call("get", "/api/v1/network/events", { query, signal });
export const placeNetworkNode = (concentratorId: number, relay: number, body: NetworkPlace) =>
  call("put", "/api/v1/network/nodes/{concentrator_id}/place", { path: { concentrator_id: concentratorId }, query: { relay }, body });
export const readGatewayParameters = (concentratorId: number, signal: Abort) =>
  call("get", "/api/v1/network/nodes/{concentrator_id}/parameters", { path: { concentrator_id: concentratorId }, signal });
export const giveGatewayCommand = (concentratorId: number, body: NewGatewayCommand) =>
  call("post", "/api/v1/network/nodes/{concentrator_id}/commands", { path: { concentrator_id: concentratorId }, body });
export const listGatewayCommands = (query: QueryOf<"list_gateway_commands">, signal: Abort) => call("get", "/api/v1/network/commands", { query, signal });
export const approveGatewayCommand = (commandId: number) => call("post", "/api/v1/network/commands/{command_id}/approve", { path: { command_id: commandId } });
export const rejectGatewayCommand = (commandId: number, reason: string) =>
  call("post", "/api/v1/network/commands/{command_id}/reject", { path: { command_id: commandId }, body: { reason } });
export const cancelGatewayCommand = (commandId: number, reason: string) =>
  call("post", "/api/v1/network/commands/{command_id}/cancel", { path: { command_id: commandId }, body: { reason } });
