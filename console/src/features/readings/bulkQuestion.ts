// SPDX-License-Identifier: Apache-2.0
// A question in bulk as the address keeps it, as the server is asked it, and as it is saved.
import type { RegistersQuery, SavedQuestion } from "./calls";

export type BulkKind = SavedQuestion["kind"];
type Choice = Omit<RegistersQuery, "at" | "limit" | "cursor">;

/** Fields of the page; empty: not chosen. Days as `YYYY-MM-DD`. */
export interface BulkFields {
  area: string;
  product: string;
  medium: string;
  place: string;
  customerClass: string;
  status: string;
  devices: string;
  numbers: string;
  tag: string;
}

/** Meter numbers of a text: one a line, or with commas or blanks between. */
export function numbersOf(text: string): string[] {
  return [...new Set(text.split(/[\s,;，；、]+/).filter((number) => number !== ""))];
}

/** Which meters, as the query of an operation. */
export function choiceOf(fields: BulkFields): Choice {
  const numbers = numbersOf(fields.numbers);
  return {
    ...(fields.area === "" ? {} : { area_id: Number(fields.area) }),
    ...(fields.product === "" ? {} : { product_id: Number(fields.product) }),
    ...(fields.medium === "" ? {} : { medium: fields.medium as "water" | "gas" }),
    ...(fields.place === "" ? {} : { place: fields.place as NonNullable<Choice["place"]> }),
    ...(fields.customerClass === "" ? {} : { customer_class: fields.customerClass as NonNullable<Choice["customer_class"]> }),
    ...(fields.status === "" ? {} : { status: fields.status as NonNullable<Choice["status"]> }),
    devices: (fields.devices === "" ? "meter" : fields.devices) as NonNullable<Choice["devices"]>,
    ...(numbers.length === 0 ? {} : { numbers }),
    ...(fields.tag === "" ? {} : { tag_id: Number(fields.tag) }),
  };
}

/** The same as part of a question that is saved. */
export function metersOf(fields: BulkFields): NonNullable<SavedQuestion["meters"]> {
  const { devices, ...others } = choiceOf(fields);
  return { ...others, kind: devices ?? "meter" } as NonNullable<SavedQuestion["meters"]>;
}

/** Millionths as percent, rounded up: a gap is never shown as none. */
export function gapText(millionths: number | null): string {
  if (millionths === null) return "—";
  const hundredths = Math.ceil(millionths / 100);
  return `${String(Math.trunc(hundredths / 100))}.${String(hundredths % 100).padStart(2, "0")}%`;
}
