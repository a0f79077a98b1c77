// SPDX-License-Identifier: Apache-2.0
// Numbers of commands, meters and settings with their unit, and enumerations in words. The server does the same for files in
// app/command/wording.py; both are held to console/src/shared/format/wordingCases.json. Names and units: terms.json, made from driver pages.
import type { Locale } from "@/shared/i18n/bilingual";
import terms from "./terms.json";
import { instantText } from "./time";
import { volumeText } from "./volume";

export interface Term {
  zh: string;
  en: string;
  unit: string;
  exponent: number;
  words?: Record<string, [string, string]>;
}

/** Values of `balance_kind`; 2: the meter holds none. */
export const MONEY = 0;
export const VOLUME = 1;
export type BalanceKind = number | null | undefined;

const TERMS = terms.terms as unknown as Partial<Record<string, Term>>;
const UNITS = terms.units as unknown as Partial<Record<string, [string, number]>>;
/** Units as people write them, of those that are written otherwise. */
const SHOWN: Partial<Record<string, string>> = { m3: "m³", "m3/h": "m³/h", degC: "°C", "uS/cm": "µS/cm", pH: "", unknown: "?", CNY: "¥", count: "" };
const BARE = ["", "state", "number", "count", "level", "bits", "text"];
const CLOCK_TIMES = ["report_time"];

export function termOf(name: string): Term | undefined {
  return Object.hasOwn(TERMS, name) ? TERMS[name] : undefined;
}

/** What a number is called; a name nobody knows stays as it is. */
export function labelOf(name: string, language: Locale): string {
  return termOf(name)?.[language] ?? name;
}

/** The unit a person counts in, and how many places the point moves, for a unit as a driver page writes it. */
export function unitOf(unit: string): [string, number] {
  return UNITS[unit] ?? [unit, 0];
}

export function isClockTime(name: string): boolean {
  return CLOCK_TIMES.includes(name);
}

/** A unit of drivers/points.toml as people write it. */
export function unitShown(unit: string): string {
  return SHOWN[unit] ?? unit;
}

/** `count` × 10^exponent with every digit, in groups of three: (−5, −2) → `−0.05`. */
export function exactText(count: number, exponent: number): string {
  return volumeText(count, exponent);
}

/** The same as a person may type it: no groups, a plain minus. */
export function typedText(count: number, exponent: number): string {
  return exactText(count, exponent).replace("−", "-").replace(/\u202f/g, "");
}

/** `5000` → `¥50.00`. */
export function moneyText(fen: number): string {
  return `${fen < 0 ? "−" : ""}¥${exactText(Math.abs(fen), -2)}`;
}

/** `7200` → `02:00`, with seconds where there are any. */
export function clockText(seconds: number): string {
  const parts = [Math.trunc(seconds / 3600), Math.trunc(seconds / 60) % 60, seconds % 60].map((part) => String(part).padStart(2, "0"));
  return parts.slice(0, seconds % 60 === 0 ? 2 : 3).join(":");
}

/** `5400` → `1 h 30 min`. */
export function spanText(seconds: number, language: Locale): string {
  const rest = Math.abs(seconds);
  const names = language === "zh" ? ["小时", "分钟", "秒"] : ["h", "min", "s"];
  const sizes = [Math.trunc(rest / 3600), Math.trunc(rest / 60) % 60, rest % 60];
  const parts = sizes.flatMap((count, place) => (count > 0 ? [`${String(count)} ${names[place] ?? ""}`] : []));
  return (seconds < 0 ? "−" : "") + (parts.length > 0 ? parts.join(" ") : `0 ${names[2] ?? ""}`);
}

/** The value of a parameter, setting or point, with its unit; a balance without its kind and a volume without its unit (10^exponent m³) show that nobody said it. */
export function quantityText(name: string, value: unknown, language: Locale, zone: string, kind?: BalanceKind, exponent?: number): string {
  const pick = (zh: string, en: string) => (language === "zh" ? zh : en);
  if (typeof value === "boolean") return value ? pick("是", "yes") : pick("否", "no");
  if (Array.isArray(value)) return value.map((item) => quantityText(name, item, language, zone, kind, exponent)).join(", ");
  if (value === null || value === undefined) return "—";
  const term = termOf(name);
  if (term === undefined || typeof value !== "number" || !Number.isSafeInteger(value)) return typeof value === "object" ? JSON.stringify(value) : String(value as string | number);
  const word = term.words?.[String(value)];
  if (word !== undefined) return pick(...word);
  if (exponent !== undefined && (term.unit === "volume" || term.unit === "volume/h")) return `${exactText(value, exponent)} ${term.unit === "volume" ? "m³" : "m³/h"}`;
  return unitText(name, value, term, language, zone, kind);
}

function unitText(name: string, value: number, term: Term, language: Locale, zone: string, kind: BalanceKind): string {
  const pick = (zh: string, en: string) => (language === "zh" ? zh : en);
  switch (term.unit) {
    case "unknown":
      return unitText(name, value, { ...term, unit: "balance" }, language, zone, null);
    case "balance":
      if (kind === MONEY) return moneyText(value);
      if (kind === VOLUME) return `${exactText(value, -3)} m³`;
      return `${exactText(value, 0)} ${pick("（分或升，类别未知）", "(fen or L, kind not known)")}`;
    case "instant":
      return instantText(new Date(value * 1000), zone) || String(value);
    case "s":
      return isClockTime(name) && value >= 0 && value < 86_400 ? clockText(value) : spanText(value, language);
    case "min": {
      const [hours, minutes] = [Math.trunc(Math.abs(value) / 60), Math.abs(value) % 60].map((part) => String(part).padStart(2, "0"));
      return `UTC${value < 0 ? "−" : "+"}${hours ?? ""}:${minutes ?? ""}`;
    }
    case "month":
      return `${String(value)} ${pick("个月", value === 1 ? "month" : "months")}`;
    case "CNY/m3":
      return `¥${exactText(value, term.exponent)}/m³`;
    case "volume":
    case "volume/h":
      return `${String(value)} ${pick("（产品单位）", "(unit of the product)")}`;
    case "%":
      return `${String(value)}%`;
    default:
      return BARE.includes(term.unit) ? String(value) : `${exactText(value, term.exponent)} ${unitShown(term.unit)}`.trimEnd();
  }
}

/** `2513`, −1, `kPa` → `251.3 kPa`. */
export function scaledText(value: number, exponent: number, unit: string): string {
  return `${exactText(value, exponent)} ${unitShown(unit)}`.trimEnd();
}

/** The exact integer that a decimal text means with so many places, moved in the text; null for what is none. */
export function exactOf(text: string, places: number): number | null {
  const match = /^([-−]?)(\d{1,15})(?:\.(\d+))?$/.exec(text);
  if (match === null || (match[3] ?? "").length > places) return null;
  const value = Number((match[2] ?? "") + (match[3] ?? "").padEnd(places, "0"));
  if (!Number.isSafeInteger(value)) return null;
  return match[1] === "" || value === 0 ? value : -value;
}
