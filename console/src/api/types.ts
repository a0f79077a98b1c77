// SPDX-License-Identifier: Apache-2.0
// Names for the shapes the console uses. PROVISIONAL until docs/reference/openapi.json exists.
export type Role = "viewer" | "operator" | "administrator";
export type Medium = "gas" | "water";
export type Severity = "critical" | "major" | "minor" | "info";
export type AlarmStatus = "open" | "acknowledged" | "cleared";
export type MeterStatus = "active" | "removed" | "silent" | "never_seen" | "alarm";

export interface Me {
  user_id: number;
  login: string;
  name: string;
  role: Role;
  locale: "zh" | "en";
  zone: string;
  must_change: boolean;
}
export interface Page<T> {
  items: T[];
  next: string | null;
}
export interface Area { area_id: number; parent_id: number | null; code: string; name: string }
export interface Product {
  product_id: number; code: string; name: string; maker: string; model: string; medium: Medium; driver: string;
  dial: number; interval_s: number; report_s: number; qmax_l_h: number;
}
export interface LastState {
  register: number | null; register_m3: string | null; register_at: string | null; last_seen_at: string | null;
  events: string[]; valve: number | null; balance: number | null; battery_pct: number | null; battery_mv: number | null;
  rsrp_ddbm: number | null; sinr_ddb: number | null; ecl: number | null; pci: number | null; cell: number | null; earfcn: number | null;
}
export interface Meter {
  meter_id: number; number: string; bar_code: string; imei: string | null; imsi: string; iccid: string;
  product_id: number; product_code: string; medium: Medium; area_id: number; area_name: string;
  customer_id: number | null; customer_name: string | null; address: string; place: string; dn: number; qmax_l_h: number;
  installed_on: string; removed_on: string | null; created_at: string; revision: number; driver: string;
  state: LastState | null;
}
export interface Customer { customer_id: number; code: string; name: string; phone: string; address: string; is_protected: boolean }
export interface MeterDetail extends Meter { customer: Customer | null }
export interface Alarm {
  alarm_id: number; meter_id: number; number: string; area_id: number; event: string; severity: Severity;
  raised_at: string; received_at: string; delay_ms: number; occurrences: number; last_at: string; cleared_at: string | null;
  acknowledged_by: number | null; acknowledged_at: string | null;
}
export interface DeadLetter {
  dead_letter_id: number; meter_id: number; product_id: number; channel: string; path: string; received_at: string;
  payload_hex: string; reason: string; byte_offset: number; detail: string; status: "open" | "replayed" | "dismissed";
}
export interface CollectionRow { key: string; name: string; expected: number; received: number; on_time: number; estimated: number; missing: number; rate_bp: number }
export type ReportBy = "area" | "product" | "maker" | "driver";
export interface CollectionReport { day: string; by: ReportBy; deadline: string; total: CollectionRow; rows: CollectionRow[] }
export interface MissingMeter { meter_id: number; number: string; area_name: string; product_code: string; address: string; last_seen_at: string | null }
export interface ProcessInfo { name: string; pid: number; started_at: string; rss_bytes: number; state: string }
export interface SystemSnapshot {
  version: string; processes: ProcessInfo[]; stream_lag: Record<string, number>; counters: Record<string, number>;
  engines: Record<string, string>; storage: Record<string, number>;
}
export type DeadLetterStatus = DeadLetter["status"];
export type MeterSort = "number" | "-number" | "meter_id" | "-meter_id";
export type Step = "slot" | "hour" | "day" | "week" | "month" | "quarter" | "year";
export interface Reading { start: string; use: number | null; register: number | null; quality: string[] }
export interface Series { unit_exponent: number; items: Reading[] }
export interface FieldTrace { offset: number; length: number; name: string; raw_hex: string; value_text: string }
export interface Frame { received_at: string; version: number; direction: string; channel: string; path: string; outcome: string; payload_hex: string; fields: FieldTrace[] }
