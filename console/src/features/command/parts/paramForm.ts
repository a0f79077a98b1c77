// SPDX-License-Identifier: Apache-2.0
// A command's parameters as a form: texts in, the numbers the driver wants out. Exact integers; the server checks again.
import type { CommandParameter } from "@/features/command/calls";
import { instantText } from "@/shared/format/time";

/** What a person typed: one text a parameter, one a chosen setting, names of settings to read. */
export interface Entries {
  texts: Record<string, string>;
  settings: Record<string, string>;
  names: string[];
}

export type Fault = "missing" | "whole" | "range" | "text" | "length" | "many" | "instant";

export function emptyEntries(): Entries {
  return { texts: {}, settings: {}, names: [] };
}

/** How many reasons a safety closing can have; their names are `command.safetyReasons`. */
export const SAFETY_REASONS = [1, 2, 3, 4, 5, 6, 7] as const;

export function isInstant(parameter: CommandParameter): boolean {
  return parameter.form === "int" && parameter.unit === "instant";
}

/** `2026-11-24 08:00` in the zone → seconds since 1970 UTC; null for what is no instant there. */
export function secondsAt(local: string, zone: string): number | null {
  const utc = Date.parse(`${local}Z`);
  if (Number.isNaN(utc)) return null;
  for (let offset = 14 * 60; offset >= -14 * 60; offset -= 15) {
    const instant = new Date(utc - offset * 60_000);
    if (instantText(instant, zone).slice(0, 16) === local.replace("T", " ").slice(0, 16)) return instant.getTime() / 1000;
  }
  return null;
}

/** An instant as a person writes it: to the minute, in the zone. */
export function localAt(instant: Date, zone: string): string {
  return instantText(instant, zone).slice(0, 16);
}

/** Minutes that local time is ahead of UTC. */
export function offsetMinutes(instant: Date, zone: string): number {
  return Math.round((Date.parse(`${instantText(instant, zone).replace(" ", "T")}Z`) - instant.getTime()) / 60_000);
}

/** What stands in a field at first: the driver's default, or what is nearly always meant. */
export function firstText(parameter: CommandParameter, now: Date, zone: string): string {
  if (parameter.name === "utc_offset_min") return String(offsetMinutes(now, zone));
  if (isInstant(parameter)) {
    if (parameter.default !== null) return "";
    return localAt(parameter.name === "since" ? new Date(now.getTime() - 86_400_000) : now, zone);
  }
  // A default below the range says that it may be left out.
  return parameter.form === "int" && parameter.default !== null && parameter.default >= parameter.low ? String(parameter.default) : "";
}

function wholes(text: string): string[] {
  return text.split(/[\s,;，；]+/).filter((part) => part !== "");
}

function wholeFault(parameter: CommandParameter, text: string): Fault | null {
  if (!/^-?\d{1,15}$/.test(text)) return "whole";
  const value = Number(text);
  return value < parameter.low || value > parameter.high ? "range" : null;
}

export function faultOf(parameter: CommandParameter, text: string, zone: string): Fault | null {
  const given = text.trim();
  if (given === "") return parameter.default === null && parameter.form !== "names" ? "missing" : null;
  if (isInstant(parameter)) return secondsAt(given, zone) === null ? "instant" : null;
  if (parameter.form === "int") return wholeFault(parameter, given);
  if (parameter.form === "list") {
    const parts = wholes(given);
    if (parts.length > parameter.most) return "many";
    return parts.map((part) => wholeFault(parameter, part)).find((fault) => fault !== null) ?? null;
  }
  if (parameter.form === "prose") return given.length < parameter.low || given.length > parameter.high ? "length" : null;
  if (parameter.form === "text" && (!/^[\x20-\x7e]*$/.test(given) || given.length < parameter.low || given.length > parameter.high)) return "text";
  return null;
}

function valueOf(parameter: CommandParameter, text: string, zone: string): unknown {
  const given = text.trim();
  if (isInstant(parameter)) return secondsAt(given, zone);
  if (parameter.form === "int") return Number(given);
  if (parameter.form === "list") return wholes(given).map(Number);
  return given;
}

/** The first fault by the parameter's or setting's name; none: it may be given. */
export function faultsOf(parameters: readonly CommandParameter[], settings: readonly CommandParameter[], entries: Entries, zone: string): Record<string, Fault> {
  const faults: Record<string, Fault> = {};
  for (const parameter of parameters) {
    if (parameter.form === "settings") {
      const chosen = Object.entries(entries.settings);
      if (chosen.length === 0) faults[parameter.name] = "missing";
      if (chosen.length > parameter.most) faults[parameter.name] = "many";
      for (const [name, text] of chosen) {
        const setting = settings.find((one) => one.name === name);
        const fault = setting === undefined ? "missing" : faultOf({ ...setting, form: "int", default: null }, text, zone);
        if (fault !== null) faults[name] = fault;
      }
    } else if (parameter.form === "names") {
      if (entries.names.length > parameter.most) faults[parameter.name] = "many";
    } else {
      const fault = faultOf(parameter, entries.texts[parameter.name] ?? "", zone);
      if (fault !== null) faults[parameter.name] = fault;
    }
  }
  return faults;
}

/** The request's `params`; only for entries without faults. What was left empty is the driver's default. */
export function paramsOf(parameters: readonly CommandParameter[], entries: Entries, zone: string): Record<string, unknown> {
  const params: Record<string, unknown> = {};
  for (const parameter of parameters) {
    const text = entries.texts[parameter.name] ?? "";
    if (parameter.form === "settings") params[parameter.name] = Object.fromEntries(Object.entries(entries.settings).map(([name, value]) => [name, Number(value)]));
    else if (parameter.form === "names") {
      if (entries.names.length > 0) params[parameter.name] = [...entries.names];
    } else if (text.trim() !== "") params[parameter.name] = valueOf(parameter, text, zone);
  }
  return params;
}

/** A number in words people count in: fen as yuan, seconds as a time or a span; '' where the number says it itself. */
export function spoken(name: string, unit: string, value: unknown): string {
  if (typeof value !== "number" || !Number.isSafeInteger(value)) return "";
  if (unit.startsWith("fen")) return `¥ ${value < 0 ? "−" : ""}${String(Math.trunc(Math.abs(value) / 100))}.${String(Math.abs(value) % 100).padStart(2, "0")}`;
  if (unit !== "s" || value < 0) return "";
  const parts = [Math.trunc(value / 3600), Math.trunc(value / 60) % 60, value % 60].map((part) => String(part).padStart(2, "0"));
  return value >= 60 || name.endsWith("time") ? parts.join(":") : "";
}

/** Parameters on one line, nested settings spread out. */
export function paramsText(params: Record<string, unknown>, nameOf: (name: string) => string = (name) => name): string {
  return Object.entries(params)
    .flatMap(([name, value]) => (value !== null && typeof value === "object" && !Array.isArray(value) ? Object.entries(value as Record<string, unknown>) : [[name, value] as const]))
    .map(([name, value]) => `${nameOf(name)} = ${Array.isArray(value) ? value.join(" ") : String(value)}`)
    .join(", ");
}
