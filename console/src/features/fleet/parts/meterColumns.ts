// SPDX-License-Identifier: Apache-2.0
// The columns a list of meters can have. Names are those of the exported file; the number is always there.
import type { Meter } from "@/features/fleet/calls";
import { decimalText } from "@/shared/format/volume";

export interface Column {
  name: string;
  /** Key of its head. */
  label: string;
  /** Figures stand right-aligned with their unit in the head. */
  unit?: string;
  kind: "text" | "figure" | "code" | "instant" | "medium" | "events" | "tags";
  /** Text, or an instant as it came; null: unknown. */
  of: (meter: Meter) => string | null | undefined;
}

const figure = (value: number | null | undefined): string | null => (value === null || value === undefined || value === 0 ? null : String(value));

export const COLUMNS: readonly Column[] = [
  { name: "medium", label: "meter.medium", kind: "medium", of: (meter) => meter.medium },
  { name: "area", label: "meter.area", kind: "text", of: (meter) => meter.area_name },
  { name: "customer", label: "meter.customer", kind: "text", of: (meter) => meter.customer_name },
  { name: "customer_code", label: "meter.account", kind: "text", of: (meter) => meter.customer_code },
  { name: "address", label: "meter.address", kind: "text", of: (meter) => meter.address },
  { name: "product", label: "meter.product", kind: "text", of: (meter) => meter.product_code },
  { name: "imei", label: "meter.imei", kind: "code", of: (meter) => meter.imei },
  { name: "imsi", label: "meter.imsi", kind: "code", of: (meter) => meter.imsi },
  { name: "iccid", label: "meter.iccid", kind: "code", of: (meter) => meter.iccid },
  { name: "bar_code", label: "meter.barCode", kind: "code", of: (meter) => meter.bar_code },
  { name: "tags", label: "tag.title", kind: "tags", of: () => null },
  { name: "dn", label: "meter.dn", kind: "figure", unit: "mm", of: (meter) => figure(meter.dn) },
  { name: "installed", label: "meter.installedOn", kind: "text", of: (meter) => meter.installed_on },
  { name: "expected_from", label: "meter.expectedFrom", kind: "text", of: (meter) => meter.expected_from },
  { name: "register", label: "meter.register", kind: "figure", unit: "m³", of: (meter) => (meter.state?.register_m3 ? decimalText(meter.state.register_m3) : null) },
  { name: "register_at", label: "meter.registerAt", kind: "instant", of: (meter) => meter.state?.register_at },
  { name: "last_seen", label: "meter.lastSeen", kind: "instant", of: (meter) => meter.state?.last_seen_at },
  { name: "battery", label: "meter.battery", kind: "figure", unit: "%", of: (meter) => figure(meter.state?.battery_pct) },
  { name: "events", label: "meter.events", kind: "events", of: () => null },
];

export const USUAL: readonly string[] = ["medium", "area", "customer", "address", "imei", "register", "last_seen", "events"];

/** Columns in their fixed order from a text such as `area,imei`; unknown names are left out, none at all means the usual. */
export function columnsFrom(text: string): readonly Column[] {
  const wanted = new Set(text.split(","));
  const found = COLUMNS.filter((column) => wanted.has(column.name));
  return found.length > 0 ? found : COLUMNS.filter((column) => USUAL.includes(column.name));
}

/** The text for a choice with one column more or less; '' where it is the usual one. */
export function toggled(columns: readonly Column[], name: string): string {
  const names = new Set(columns.map((column) => column.name));
  if (!names.delete(name)) names.add(name);
  const text = COLUMNS.filter((column) => names.has(column.name)).map((column) => column.name).join(",");
  return text === USUAL.join(",") ? "" : text;
}
