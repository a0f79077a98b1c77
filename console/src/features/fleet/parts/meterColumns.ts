// SPDX-License-Identifier: Apache-2.0
// The columns a list of meters can have. Names are those of the exported file; the number is always there.
import type { Meter } from "@/features/fleet/calls";
import type { Column } from "@/shared/columns";
import { decimalText } from "@/shared/format/volume";

interface MeterColumn extends Column {
  /** Figures stand right-aligned with their unit in the head. */
  unit?: string;
  kind: "text" | "figure" | "code" | "instant" | "medium" | "events" | "tags";
  /** Text, or an instant as it came; null: unknown. */
  of: (meter: Meter) => string | null | undefined;
}

const figure = (value: number | null | undefined): string | null => (value === null || value === undefined || value === 0 ? null : String(value));

/** Heads are keys of words. */
export const COLUMNS: readonly MeterColumn[] = [
  { name: "medium", label: "meter.medium", kind: "medium", of: (meter) => meter.medium },
  { name: "area", label: "meter.area", kind: "text", of: (meter) => meter.area_name },
  { name: "customer", label: "meter.customer", kind: "text", of: (meter) => meter.customer_name },
  { name: "customer_code", extra: true, label: "meter.account", kind: "text", of: (meter) => meter.customer_code },
  { name: "address", label: "meter.address", kind: "text", of: (meter) => meter.address },
  { name: "product", extra: true, label: "meter.product", kind: "text", of: (meter) => meter.product_code },
  { name: "imei", label: "meter.imei", kind: "code", of: (meter) => meter.imei },
  { name: "imsi", extra: true, label: "meter.imsi", kind: "code", of: (meter) => meter.imsi },
  { name: "iccid", extra: true, label: "meter.iccid", kind: "code", of: (meter) => meter.iccid },
  { name: "bar_code", extra: true, label: "meter.barCode", kind: "code", of: (meter) => meter.bar_code },
  { name: "tags", extra: true, label: "tag.title", kind: "tags", of: () => null },
  { name: "dn", extra: true, label: "meter.dn", kind: "figure", unit: "mm", of: (meter) => figure(meter.dn) },
  { name: "installed", extra: true, label: "meter.installedOn", kind: "text", of: (meter) => meter.installed_on },
  { name: "expected_from", extra: true, label: "meter.expectedFrom", kind: "text", of: (meter) => meter.expected_from },
  { name: "register", label: "meter.register", kind: "figure", unit: "m³", of: (meter) => (meter.state?.register_m3 ? decimalText(meter.state.register_m3) : null) },
  { name: "register_at", extra: true, label: "meter.registerAt", kind: "instant", of: (meter) => meter.state?.register_at },
  { name: "last_seen", label: "meter.lastSeen", kind: "instant", of: (meter) => meter.state?.last_seen_at },
  { name: "battery", extra: true, label: "meter.battery", kind: "figure", unit: "%", of: (meter) => figure(meter.state?.battery_pct) },
  { name: "events", label: "meter.events", kind: "events", of: () => null },
];
