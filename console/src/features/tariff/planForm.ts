// SPDX-License-Identifier: Apache-2.0
// A plan as a form: one line a tier, one column a component; and the document that goes to the server. Amounts stay text: what a
// person typed is what is sent, and the server says what is wrong with it.
import type { NewPlan, PlanDocument } from "./calls";

export interface PlanLines {
  fromDay: string;
  cycleMonths: number;
  anniversary: boolean;
  components: { name: string; byHeat: boolean }[];
  /** `upTo` is empty on the last line only. `above`, `add`: the persons rule of the bound. */
  tiers: { upTo: string; prices: string[]; above: string; add: string }[];
  hasPersons: boolean;
  heatReference: string;
  minimumMonth: string;
  lateFee: { perDay: string; graceDays: string; cap: string };
  atChange: "carried" | "cleared";
  /** Seasons are edited in the file; the form keeps them. */
  seasons: NonNullable<PlanDocument["seasons"]>;
}

const NUMBER = /^\d+(\.\d+)?$/;
const orZero = (text: string): string => (text.trim() === "" ? "0" : text.trim());

export function emptyLines(): PlanLines {
  return {
    fromDay: "", cycleMonths: 12, anniversary: false, components: [{ name: "水费", byHeat: false }], tiers: [{ upTo: "", prices: [""], above: "4", add: "0" }],
    hasPersons: false, heatReference: "", minimumMonth: "", lateFee: { perDay: "", graceDays: "0", cap: "1" }, atChange: "carried", seasons: [],
  };
}

export function linesOf(plan: NewPlan): PlanLines {
  const { document } = plan;
  const bounds = document.bounds_m3;
  const fee = document.late_fee;
  return {
    fromDay: plan.from_day,
    cycleMonths: document.cycle_months ?? 12,
    anniversary: document.anniversary ?? false,
    components: document.components.map((part) => ({ name: part.name, byHeat: part.by_heat ?? false })),
    tiers: Array.from({ length: bounds.length + 1 }, (_, tier) => ({
      upTo: bounds[tier] ?? "",
      prices: document.components.map((part) => part.prices[tier] ?? ""),
      above: String(document.persons?.above[tier] ?? 4),
      add: document.persons?.add_m3[tier] ?? "0",
    })),
    hasPersons: document.persons !== null && document.persons !== undefined,
    heatReference: (document.heat_reference ?? "0") === "0" ? "" : (document.heat_reference ?? ""),
    minimumMonth: (document.minimum_month ?? "0") === "0" ? "" : (document.minimum_month ?? ""),
    lateFee: { perDay: fee?.per_day ?? "", graceDays: String(fee?.grace_days ?? 0), cap: fee?.cap ?? "1" },
    atChange: document.at_change ?? "carried",
    seasons: document.seasons ?? [],
  };
}

/** The document, or null where a number is none. */
export function documentOf(lines: PlanLines): PlanDocument | null {
  const bounded = lines.tiers.slice(0, -1);
  const texts = [
    ...bounded.map((tier) => tier.upTo), ...lines.tiers.flatMap((tier) => tier.prices), orZero(lines.heatReference), orZero(lines.minimumMonth),
    orZero(lines.lateFee.perDay), orZero(lines.lateFee.cap), orZero(lines.lateFee.graceDays),
    ...(lines.hasPersons ? bounded.flatMap((tier) => [tier.above, tier.add]) : []),
  ];
  if (!texts.every((text) => NUMBER.test(text.trim())) || lines.components.some((part) => part.name.trim() === "")) return null;
  return {
    bounds_m3: bounded.map((tier) => tier.upTo.trim()),
    components: lines.components.map((part, place) => ({ name: part.name.trim(), prices: lines.tiers.map((tier) => (tier.prices[place] ?? "").trim()), by_heat: part.byHeat })),
    cycle_months: lines.cycleMonths as 1 | 2 | 3 | 4 | 6 | 12,
    anniversary: lines.anniversary,
    persons: lines.hasPersons ? { above: bounded.map((tier) => Number(tier.above)), add_m3: bounded.map((tier) => tier.add.trim()) } : null,
    seasons: lines.seasons,
    heat_reference: orZero(lines.heatReference),
    minimum_month: orZero(lines.minimumMonth),
    late_fee: lines.lateFee.perDay.trim() === "" ? null : { per_day: lines.lateFee.perDay.trim(), grace_days: Number(orZero(lines.lateFee.graceDays)), cap: orZero(lines.lateFee.cap) },
    at_change: lines.atChange,
  };
}

/** A plan in a file's text; null where it is none. The server looks at it whole. */
export function planOfFile(text: string): NewPlan | null {
  try {
    const found = JSON.parse(text) as Partial<NewPlan> | null;
    if (typeof found?.from_day !== "string" || !Array.isArray(found.document?.components) || !Array.isArray(found.document.bounds_m3)) return null;
    return found as NewPlan;
  } catch {
    return null;
  }
}

export function addTier(lines: PlanLines): void {
  lines.tiers.splice(-1, 0, { upTo: "", prices: lines.components.map(() => ""), above: "4", add: "0" });
}

export function addComponent(lines: PlanLines): void {
  lines.components.push({ name: "", byHeat: false });
  for (const tier of lines.tiers) tier.prices.push("");
}

export function dropComponent(lines: PlanLines, place: number): void {
  lines.components.splice(place, 1);
  for (const tier of lines.tiers) tier.prices.splice(place, 1);
}

/** Members in lines of text: account, meter's id, day the customer began, persons, households. Null where a line is no such. */
export function membersOf(text: string): { account_id: number; meter_id: number; began: string; persons: number; households: number }[] | null {
  const rows = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const found = rows.map((line) => /^(\d{1,15})[\s,;]+(\d{1,15})[\s,;]+(\d{4}-\d{2}-\d{2})(?:[\s,;]+(\d{1,2})(?:[\s,;]+(\d{1,6}))?)?$/.exec(line));
  if (rows.length === 0 || found.some((match) => match === null)) return null;
  return found.map((match) => ({
    account_id: Number(match?.[1]), meter_id: Number(match?.[2]), began: match?.[3] ?? "", persons: Number(match?.[4] ?? 0), households: Number(match?.[5] ?? 1),
  }));
}
