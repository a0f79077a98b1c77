// SPDX-License-Identifier: Apache-2.0
// What a meter registered, with names, and the newest value that is known of each resource.
import type { MeterObjects, ObjectDefinition, ObjectValue, OperationResult, ResourceDefinition } from "@/features/command/calls";
import { instantText } from "@/shared/format/time";
import { secondsAt } from "./paramForm";

export interface Known {
  value: string;
  type: string;
  /** When we learned it, RFC 3339. */
  at: string;
}

export interface ResourceRow {
  path: string;
  id: number;
  definition: ResourceDefinition | undefined;
  known: Known | undefined;
  observed: boolean;
}

export interface InstanceRows {
  path: string;
  observed: boolean;
  resources: ResourceRow[];
}

export interface ObjectRows {
  id: number;
  version: string;
  definition: ObjectDefinition | undefined;
  instances: InstanceRows[];
}

export type Book = ReadonlyMap<string, Known>;

/** Values by path; of two the one that was learned later stays. */
export function noted(book: Book, values: readonly ObjectValue[], at: string): Book {
  const next = new Map(book);
  for (const one of values) {
    const before = next.get(one.path);
    if (one.attributes === "" && one.type !== "corelnk" && (before === undefined || Date.parse(before.at) <= Date.parse(at))) {
      next.set(one.path, { value: one.value, type: one.type, at });
    }
  }
  return next;
}

/** The same with what observations brought. */
export function observed(book: Book, objects: MeterObjects): Book {
  return objects.observations.reduce((found, one) => (one.at === null ? found : noted(found, one.values, one.at)), book);
}

/** Known resource number of a path such as /3/0/7 or, of a resource with instances, /3/0/7/1. */
function resourceOf(path: string, instance: string): number | null {
  if (!path.startsWith(`${instance}/`)) return null;
  return Number(path.slice(instance.length + 1).split("/")[0]);
}

/** Several instances of a resource are shown in one cell. */
function together(instance: string, id: number, book: Book): Known | undefined {
  const own = book.get(`${instance}/${id}`);
  const parts = [...book].filter(([path]) => path.startsWith(`${instance}/${id}/`));
  const first = parts[0]?.[1];
  if (first === undefined) return own;
  const at = parts.reduce((newest, [, one]) => (one.at > newest ? one.at : newest), first.at);
  return { value: parts.map(([path, one]) => `${path.split("/").at(-1)}: ${one.value}`).join(", "), type: "string", at };
}

export function rowsOf(objects: MeterObjects, definitions: readonly ObjectDefinition[], book: Book): ObjectRows[] {
  const byId = new Map(definitions.map((one) => [one.object_id, one]));
  const watched = new Set(objects.observations.map((one) => one.path));
  return objects.objects.map((object) => {
    const definition = byId.get(object.object_id);
    const instances = object.instances.map((number) => {
      const path = `/${object.object_id}/${number}`;
      const ids = new Set((definition?.resources ?? []).map((one) => one.resource_id));
      for (const known of book.keys()) {
        const id = resourceOf(known, path);
        if (id !== null) ids.add(id);
      }
      const resources = [...ids].sort((a, b) => a - b).map((id) => ({
        path: `${path}/${id}`,
        id,
        definition: definition?.resources.find((one) => one.resource_id === id),
        known: together(path, id, book),
        observed: watched.has(`${path}/${id}`),
      }));
      return { path, observed: watched.has(path) || watched.has(`/${object.object_id}`), resources };
    });
    return { id: object.object_id, version: object.version, definition, instances };
  });
}

const WITH_OFFSET = /(?:z|[+-]\d\d:?\d\d)$/i;
const WHOLE = /^[+-]?\d{1,20}$/;
const NUMBER = /^[+-]?\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,3})?$/;

/** What is sent for what somebody typed; null when it cannot be of that type. */
export function wireText(type: string | null, typed: string, zone: string): string | null {
  const text = typed.trim();
  if (type === "boolean") {
    if (["1", "true", "是"].includes(text.toLowerCase())) return "1";
    return ["0", "false", "否"].includes(text.toLowerCase()) ? "0" : null;
  }
  if (type === "time") {
    if (WHOLE.test(text)) return text;
    const at = WITH_OFFSET.test(text) ? Date.parse(text) / 1000 : secondsAt(text, zone); // without one it is the utility's clock, never the browser's
    return at === null || Number.isNaN(at) ? null : String(Math.floor(at));
  }
  if (type === "integer") return WHOLE.test(text) ? text : null;
  if (type === "unsigned") return WHOLE.test(text) && !text.startsWith("-") ? text : null;
  if (type === "float") return NUMBER.test(text) ? text : null;
  return typed;
}

/** An age in its largest whole unit: [number, unit]. */
export function ageOf(at: string, now: number): [number, "s" | "min" | "h" | "d"] {
  const seconds = Math.max(0, Math.floor((now - Date.parse(at)) / 1000));
  if (seconds < 120) return [seconds, "s"];
  if (seconds < 7200) return [Math.floor(seconds / 60), "min"];
  if (seconds < 172_800) return [Math.floor(seconds / 3600), "h"];
  return [Math.floor(seconds / 86_400), "d"];
}

/** A time as everywhere, in the utility's zone; everything else as it is. */
export function readable(known: Known, zone: string): string {
  if (known.type === "time" && WHOLE.test(known.value)) return instantText(new Date(Number(known.value) * 1000), zone) || known.value;
  return known.value;
}

/** One line about an answer for people. */
export function summary(result: OperationResult): string {
  const values = result.values.map((one) => (one.attributes ? `${one.path} (${one.attributes})` : `${one.path} = ${one.value}`));
  return [result.code, ...values, result.raw_hex, result.why].filter(Boolean).join(" · ");
}
