// SPDX-License-Identifier: Apache-2.0
// A condition as a form by parts. What is typed becomes the exact document of the API, or nothing; a document that the form cannot show is no form.
import { exactOf, typedText } from "@/shared/format/quantity";
import type { RulePoint } from "./calls";

export type PartKind = "value" | "change" | "rate" | "event";
export type About = "message" | "silent" | "missing" | "unanswered";
export const PART_KINDS: readonly PartKind[] = ["value", "change", "rate", "event"];
export const ABOUTS: readonly About[] = ["message", "silent", "missing", "unanswered"];
export const COMPARISONS: Readonly<Record<PartKind, readonly string[]>> = { value: ["below", "above", "outside"], change: ["rises", "falls", "moves"], rate: ["rises", "falls", "moves"], event: [] };
export const WITHINS = ["area", "cell", "scope"] as const;

export interface Part {
  kind: PartKind;
  not: boolean;
  point: string;
  event: string;
  comparison: string;
  first: string;
  second: string;
  perMinutes: string;
}

export interface ConditionForm {
  about: About;
  join: string;
  parts: Part[];
  /** Hours, or days of missing reports. */
  time: string;
  command: string;
  gathers: boolean;
  meters: string;
  percent: string;
  within: string;
}

type Document = Readonly<Record<string, unknown>>;
type Points = readonly Pick<RulePoint, "name" | "exponent">[];

export const emptyPart = (): Part => ({ kind: "value", not: false, point: "", event: "", comparison: "below", first: "", second: "", perMinutes: "60" });
export const emptyForm = (): ConditionForm => ({ about: "message", join: "all", parts: [emptyPart()], time: "36", command: "", gathers: false, meters: "5", percent: "", within: "area" });

const whole = (text: string): number | null => (/^\d{1,7}$/.test(text.trim()) ? Number(text.trim()) : null);

/** The document to send; null where something is missing or no number. */
export function documentOf(form: ConditionForm, points: Points): Record<string, unknown> | null {
  const inner = meterDocument(form, points);
  if (inner === null || !form.gathers) return inner;
  const meters = whole(form.meters);
  const percent = form.percent.trim() === "" ? undefined : whole(form.percent);
  if (meters === null || percent === null) return null;
  return { meters, ...(percent === undefined ? {} : { percent }), within: form.within, of: inner };
}

function meterDocument(form: ConditionForm, points: Points): Record<string, unknown> | null {
  if (form.about !== "message") {
    const time = whole(form.time);
    if (time === null) return null;
    if (form.about === "silent") return { silent_h: time };
    if (form.about === "missing") return { missing_days: time };
    return { unanswered_h: time, ...(form.command === "" ? {} : { command: form.command }) };
  }
  const parts = form.parts.map((part) => partDocument(part, points));
  const known = parts.filter((part) => part !== null);
  const [only] = known;
  if (known.length < parts.length || only === undefined) return null;
  return known.length === 1 ? only : { [form.join]: known };
}

function partDocument(part: Part, points: Points): Record<string, unknown> | null {
  const found = plainDocument(part, points);
  return found !== null && part.not ? { not: found } : found;
}

function plainDocument(part: Part, points: Points): Record<string, unknown> | null {
  if (part.kind === "event") return part.event === "" ? null : { event: part.event };
  const point = points.find((one) => one.name === part.point);
  if (point === undefined || !COMPARISONS[part.kind].includes(part.comparison)) return null;
  const places = Math.max(0, -point.exponent);
  const [first, second] = [exactOf(part.first.trim(), places), exactOf(part.second.trim(), places)];
  if (first === null || (part.comparison === "outside" && second === null)) return null;
  const compared = { [part.comparison]: part.comparison === "outside" ? [first, second] : first };
  if (part.kind !== "rate") return { [part.kind]: part.point, ...compared };
  const minutes = whole(part.perMinutes);
  return minutes === null ? null : { rate: part.point, ...compared, per_s: minutes * 60 };
}

/** The form of a document; null where it is more than the form can show. */
export function formOf(document: Document, points: Points): ConditionForm | null {
  const form = emptyForm();
  if ("of" in document) {
    const inner = formOf(document["of"] as Document, points);
    if (inner === null || inner.gathers) return null;
    return { ...inner, gathers: true, meters: String(document["meters"]), percent: document["percent"] === undefined ? "" : String(document["percent"]), within: String(document["within"]) };
  }
  if ("silent_h" in document) return { ...form, about: "silent", time: String(document["silent_h"]) };
  if ("missing_days" in document) return { ...form, about: "missing", time: String(document["missing_days"]) };
  if ("unanswered_h" in document) return { ...form, about: "unanswered", time: String(document["unanswered_h"]), command: String(document["command"] ?? "") };
  const join = "any" in document ? "any" : "all";
  const listed = (document[join] ?? [document]) as Document[];
  const parts = listed.map((part) => partOf(part, points));
  const known = parts.filter((part) => part !== null);
  return known.length < parts.length ? null : { ...form, join, parts: known };
}

function partOf(document: Document, points: Points): Part | null {
  const not = "not" in document;
  const inner = (not ? document["not"] : document) as Document;
  if (typeof inner["event"] === "string") return { ...emptyPart(), kind: "event", not, event: inner["event"] };
  const kind = PART_KINDS.find((one) => typeof inner[one] === "string");
  const point = kind === undefined ? undefined : points.find((one) => one.name === inner[kind]);
  const comparison = kind === undefined ? undefined : COMPARISONS[kind].find((one) => one in inner);
  if (kind === undefined || point === undefined || comparison === undefined) return null;
  const perS = Number(inner["per_s"] ?? 3600);
  if (perS % 60 !== 0) return null;
  const [first, second] = [inner[comparison]].flat() as number[];
  const typed = (value: number | undefined): string => (value === undefined ? "" : typedText(value, point.exponent));
  return { ...emptyPart(), kind, not, point: point.name, comparison, first: typed(first), second: typed(second), perMinutes: String(perS / 60) };
}
