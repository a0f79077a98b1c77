// SPDX-License-Identifier: Apache-2.0
// Calls whose path, inputs and answer the compiler checks against the generated schema.
import type { components, operations, paths } from "./schema";
import { send, urlOf, type Sending } from "./transport";

/** The generated shapes by name, and the query of an operation. */
export type Schemas = components["schemas"];
export type QueryOf<O extends keyof operations> = NonNullable<operations[O]["parameters"]["query"]>;
/** Ends a call that nobody waits for any more. */
export type Abort = AbortSignal | undefined;

type Method = "get" | "post" | "put" | "patch" | "delete";
type Operation<P extends keyof paths, M extends Method> = paths[P][M];
type JsonOf<R> = R extends { content: { "application/json": infer T } } ? T : never;
type Answer<O> = O extends { responses: infer R } ? JsonOf<R[keyof R & (200 | 201 | 202 | 204)]> : never;
type Part<O, K extends "query" | "path"> = O extends { parameters: Partial<Record<K, infer V>> } ? Exclude<V, undefined> : never;
type Body<O> = O extends { requestBody: { content: { "application/json": infer B } } } ? B : never;

interface Inputs<O> {
  query?: Part<O, "query">;
  path?: Part<O, "path">;
  body?: Body<O>;
  signal?: AbortSignal | undefined;
  ifMatch?: number | undefined;
}

/** Operations of a path that exist; `call("get", …)` of a path without GET does not compile. */
type PathsWith<M extends Method> = { [P in keyof paths]: paths[P][M] extends { responses: unknown } ? P : never }[keyof paths];

export function call<M extends Method, P extends PathsWith<M>>(
  method: M,
  template: P,
  { query, path, body, signal, ifMatch }: Inputs<Operation<P, M>> = {},
): Promise<Answer<Operation<P, M>>> {
  const sending: Sending = { method: method.toUpperCase() as NonNullable<Sending["method"]>, body, signal, ifMatch };
  return send(urlOf(template, path ?? {}, query ?? {}), sending);
}

/** Address of a file to download. */
export function fileUrl<P extends PathsWith<"get">>(template: P, query: Part<Operation<P, "get">, "query">, path: Record<string, string | number> = {}): string {
  return urlOf(template, path, query as Record<string, string>);
}
