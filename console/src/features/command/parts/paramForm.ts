// SPDX-License-Identifier: Apache-2.0
// A command's parameters as a form: texts in, the numbers the driver wants out. Exact integers; the server checks again.
import type { CommandParameter } from "@/features/command/calls";
import { clockText, isClockTime, MONEY, typedText, unitOf, VOLUME, type BalanceKind, exactOf } from "@/shared/format/quantity";
import { instantText } from "@/shared/format/time";

/** What a person typed: one text a parameter, one a chosen setting, names of settings to read. */
export interface Entries {
  texts: Record<string, string>;
  settings: Record<string, string>;
  names: string[];
}

export type Fault = "missing" | "whole" | "range" | "text" | "length" | "many" | "instant" | "decimal" | "clock";

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
export function firstText(parameter: CommandParameter, now: Date, zone: string, meters?: BalanceKind): string {
  if (parameter.name === "balance_kind" && (meters === MONEY || meters === VOLUME)) return String(meters);
  if (parameter.name === "utc_offset_min") return String(offsetMinutes(now, zone));
  if (isInstant(parameter)) {
    if (parameter.default !== null) return "";
    return localAt(parameter.name === "since" ? new Date(now.getTime() - 86_400_000) : now, zone);
  }
  // A default below the range says that it may be left out.
  return parameter.form === "int" && parameter.default !== null && parameter.default >= parameter.low ? entryText(parameter, parameter.default, meters) : "";
}

function items(text: string): string[] {
  return text.split(/[\s,;，；]+/).filter((part) => part !== "");
}

/** Decimals a person types for it: yuan two, m³ three; of a balance whose kind nobody said none, it stays a bare number. */
export function placesOf(parameter: Pick<CommandParameter, "unit">, kind: BalanceKind): number {
  const [unit, exponent] = unitOf(parameter.unit);
  if (unit === "balance") return kind === MONEY ? 2 : kind === VOLUME ? 3 : 0;
  return Math.max(0, -exponent);
}

/** The unit beside the field. */
export function unitBeside(parameter: Pick<CommandParameter, "name" | "unit">, kind: BalanceKind): string {
  const [unit] = unitOf(parameter.unit);
  if (unit === "balance") return kind === MONEY ? "¥" : kind === VOLUME ? "m³" : parameter.unit;
  if (isClockTime(parameter.name)) return "HH:MM";
  const shown: Partial<Record<string, string>> = { m3: "m³", "m3/h": "m³/h", "CNY/m3": "¥/m³", state: "", month: "", instant: "" };
  return shown[unit] ?? unit;
}

/** `2:00`, `02:00:30` → seconds after midnight. */
function clockOf(text: string): number | null {
  const match = /^([01]?\d|2[0-3])[:：]([0-5]\d)(?:[:：]([0-5]\d))?$/.exec(text);
  return match === null ? null : Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3] ?? 0);
}

/** A number as its field writes it: 5000 fen → `50.00`, 7200 s → `02:00`. */
export function entryText(parameter: Pick<CommandParameter, "name" | "unit">, value: number, kind: BalanceKind): string {
  return isClockTime(parameter.name) ? clockText(value) : typedText(value, -placesOf(parameter, kind));
}

function numberOf(parameter: CommandParameter, text: string, kind: BalanceKind): number | null {
  return isClockTime(parameter.name) ? clockOf(text) : exactOf(text, placesOf(parameter, kind));
}

function numberFault(parameter: CommandParameter, text: string, kind: BalanceKind): Fault | null {
  const value = numberOf(parameter, text, kind);
  if (value === null) return isClockTime(parameter.name) ? "clock" : placesOf(parameter, kind) > 0 ? "decimal" : "whole";
  return value < parameter.low || value > parameter.high ? "range" : null;
}

export function faultOf(parameter: CommandParameter, text: string, zone: string, kind?: BalanceKind): Fault | null {
  const given = text.trim();
  if (given === "") return parameter.default === null && parameter.form !== "names" ? "missing" : null;
  if (isInstant(parameter)) return secondsAt(given, zone) === null ? "instant" : null;
  if (parameter.form === "int") return numberFault(parameter, given, kind);
  if (parameter.form === "list") {
    const parts = items(given);
    if (parts.length > parameter.most) return "many";
    return parts.map((part) => numberFault(parameter, part, kind)).find((fault) => fault !== null) ?? null;
  }
  if (parameter.form === "prose") return given.length < parameter.low || given.length > parameter.high ? "length" : null;
  if (parameter.form === "text" && (!/^[\x20-\x7e]*$/.test(given) || given.length < parameter.low || given.length > parameter.high)) return "text";
  return null;
}

function valueOf(parameter: CommandParameter, text: string, zone: string, kind: BalanceKind): unknown {
  const given = text.trim();
  if (isInstant(parameter)) return secondsAt(given, zone);
  if (parameter.form === "int") return numberOf(parameter, given, kind);
  if (parameter.form === "list") return items(given).map((part) => numberOf(parameter, part, kind));
  return given;
}

/** In which kind of balance the amounts are typed: as chosen beside them, else the meter's. */
export function entryKind(parameters: readonly CommandParameter[], entries: Entries, meters: BalanceKind): BalanceKind {
  const chosen = parameters.find((one) => one.name === "balance_kind");
  if (chosen === undefined) return meters;
  const text = (entries.texts.balance_kind ?? "").trim();
  return /^\d$/.test(text) ? Number(text) : chosen.default;
}

/** The first fault by the parameter's or setting's name; none: it may be given. */
export function faultsOf(parameters: readonly CommandParameter[], settings: readonly CommandParameter[], entries: Entries, zone: string, meters?: BalanceKind): Record<string, Fault> {
  const faults: Record<string, Fault> = {};
  const kind = entryKind(parameters, entries, meters);
  for (const parameter of parameters) {
    if (parameter.form === "settings") {
      const chosen = Object.entries(entries.settings);
      if (chosen.length === 0) faults[parameter.name] = "missing";
      if (chosen.length > parameter.most) faults[parameter.name] = "many";
      for (const [name, text] of chosen) {
        const setting = settings.find((one) => one.name === name);
        const fault = setting === undefined ? "missing" : faultOf({ ...setting, form: "int", default: null }, text, zone, kind);
        if (fault !== null) faults[name] = fault;
      }
    } else if (parameter.form === "names") {
      if (entries.names.length > parameter.most) faults[parameter.name] = "many";
    } else {
      const fault = faultOf(parameter, entries.texts[parameter.name] ?? "", zone, kind);
      if (fault !== null) faults[parameter.name] = fault;
    }
  }
  return faults;
}

/** The request's `params`; only for entries without faults. What was left empty is the driver's default. */
export function paramsOf(parameters: readonly CommandParameter[], settings: readonly CommandParameter[], entries: Entries, zone: string, meters?: BalanceKind): Record<string, unknown> {
  const params: Record<string, unknown> = {};
  const kind = entryKind(parameters, entries, meters);
  const settingOf = (name: string, text: string) => {
    const setting = settings.find((one) => one.name === name);
    return setting === undefined ? null : numberOf(setting, text.trim(), kind);
  };
  for (const parameter of parameters) {
    const text = entries.texts[parameter.name] ?? "";
    if (parameter.form === "settings") params[parameter.name] = Object.fromEntries(Object.entries(entries.settings).map(([name, value]) => [name, settingOf(name, value)]));
    else if (parameter.form === "names") {
      if (entries.names.length > 0) params[parameter.name] = [...entries.names];
    } else if (text.trim() !== "") params[parameter.name] = valueOf(parameter, text, zone, kind);
  }
  return params;
}
