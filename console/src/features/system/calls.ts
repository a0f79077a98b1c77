// SPDX-License-Identifier: Apache-2.0
// The operations on the running system and its dead letters.
import { call, type Abort, type QueryOf, type Schemas } from "@/api/typed";

export type DeadLetter = Schemas["DeadLetter"];
export type SystemSnapshot = Schemas["SystemSnapshot"];
export type StoreFault = Schemas["StoreFault"];
export type DeadLetterQuery = QueryOf<"list_dead_letters">;
export type DeadLetterStatus = NonNullable<DeadLetterQuery["status"]>;

export const systemSnapshot = (signal: Abort) => call("get", "/api/v1/system", { signal });
export const listDeadLetters = (query: DeadLetterQuery, signal: Abort) => call("get", "/api/v1/dead-letters", { query, signal });
export const replayDeadLetters = (ids: number[]) => call("post", "/api/v1/dead-letters/replay", { body: { ids } });
export const dismissDeadLetters = (ids: number[], reason: string) => call("post", "/api/v1/dead-letters/dismiss", { body: { ids, reason } });
