// SPDX-License-Identifier: Apache-2.0
// What the server refused, field by field, for forms to show beside each.
import { Problem } from "@/api/problem";
import type { Schemas } from "@/api/typed";

/** The server's own words for each field it refused, by the field's name. */
export function faultsOf(error: unknown): Record<string, string> {
  if (!(error instanceof Problem)) return {};
  const errors = (error.body.errors ?? []) as Schemas["FieldProblem"][];
  return Object.fromEntries(errors.map((fault) => [fault.pointer.replace(/^\//, ""), fault.detail]));
}
