// SPDX-License-Identifier: Apache-2.0
// Values of the trail as the rest of the console shows them: instants and days in the zone, yes and no in words, codes in the words of the
// feature they belong to, numbers with their unit. The trail itself keeps exact integers; they stand in the entry as the API gives it.
import { useI18n } from "vue-i18n";
import { words } from "@/features/identity/auditWords";
import { addWords, locale } from "@/shared/i18n";
import { paramsText, tierSpan, tiersOf } from "@/shared/format/params";
import { clockText, exactText, moneyText, quantityText, spanText, termOf } from "@/shared/format/quantity";
import { instantText } from "@/shared/format/time";
import { useSession } from "@/shared/session";
import { listText } from "@/shared/listText";
import { plainly, type Shown } from "./auditChanges";

addWords(words);

/** Kinds of objects whose entries say a meter's number as `number`; others have numbers of their own. */
const OF_METERS = ["meter", "alarm", "alarm_mute", "reading_exception", "reading_edit", "manual_reading", "readings", "dead_letter", "command", "command_batch", "terminal", "device_key", "work_order", "hazard", "rule_proposal", "job"];
/** Key of the name of a field, as the kind of object means it. */
export function fieldKey(objectType: string, field: string): string {
  const own = field !== "number" ? "" : objectType === "account" ? "_of_account" : OF_METERS.includes(objectType) ? "_of_meter" : "";
  return `trail.fields.${field}${own}`;
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/;
const DAY_MS = 86_400_000;
/** Groups of words in which a field's code may be found; `*` stands for the feature of the entry's object. */
const WORDS: Readonly<Partial<Record<string, readonly string[]>>> = {
  kind: ["*.kinds"],
  state: ["*.states", "*.batchStates"],
  status: ["*.statuses"],
  reason: ["*.why"],
  severity: ["alarm.severities"],
  event: ["event"],
  role: ["role"],
  medium: ["meter"],
  place: ["bulk.places"],
  customer_class: ["bulk.classes", "tariff.classes"],
  verdict: ["exception.verdicts"],
  rule: ["rule"],
  rules: ["rule"],
  level: ["tasks.levels"],
  frequency: ["tasks.frequencies"],
  need: ["tasks.needs"],
  remedy: ["tasks.remedies"],
  report_mode: ["tasks.frequencies"],
  source: ["manual.sources"],
  channel: ["ledger.channels", "command.channels"],
  operation: ["objects"],
  form: ["bulk.forms"],
  period: ["bulk.periods"],
};
/** The same among the trail's own words, where no feature has any. */
const OWN: Readonly<Partial<Record<string, (code: string) => string>>> = {
  kind: (code) => `trail.jobKinds.${code}`,
  state: (code) => `trail.states.${code}`,
  status: (code) => `trail.states.${code}`,
  locale: (code) => `trail.locales.${code}`,
};
const SPOKEN = ["params", "answer", "settings"];
/** Days since 1970-01-01. */
const DAYS = ["day", "from_day", "first_day", "last_day"];
const WEEKDAYS = ["一", "二", "三", "四", "五", "六", "日"];
const WEEKDAYS_EN = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The unit that a field's name says; null where it says none. */
function byName(field: string, value: number, zone: string): string | null {
  const language = locale();
  if (field === "fen" || field.endsWith("_fen")) return moneyText(value);
  if (field.endsWith("_ppm")) return `${exactText(value, -4)}%`;
  if (field === "office_from" || field === "office_to") return clockText(value * 60);
  if (/(_us|_ms)$/.test(field) && value > 1e11) return instantText(new Date(field.endsWith("_us") ? value / 1000 : value), zone);
  if (field === "at_s" || field === "start_s" || field === "end_s") return instantText(new Date(value * 1000), zone);
  if (field.endsWith("_s") && termOf(field) === undefined) return spanText(value, language);
  if (field.endsWith("_e7")) return `${exactText(value, -7)}°`;
  if (field === "qmax_l_h") return `${exactText(value, -3)} m³/h`;
  if (DAYS.includes(field)) return new Date(value * DAY_MS).toISOString().slice(0, 10);
  return null;
}

export function useAuditText() {
  const { t, te } = useI18n();
  const { zone } = useSession();
  /** How to write the fields of one entry. */
  return (entry: { object_type: string; before: unknown; after: unknown }): Shown => {
    const whole = isTable(entry.after) ? entry.after : isTable(entry.before) ? entry.before : {};
    const feature = entry.object_type === "reading_exception" ? "exception" : entry.object_type === "reading_edit" ? "edits" : entry.object_type === "manual_reading" ? "manual" : (entry.object_type.split("_")[0] ?? "");
    function label(field: string): string {
      const key = fieldKey(entry.object_type, field);
      return te(key) ? t(key) : field;
    }
    const isCommand = entry.object_type === "command" || entry.object_type === "command_batch";

    function word(field: string, value: string): string | undefined {
      const own = OWN[field]?.(value);
      const key = [...(WORDS[field] ?? []).map((group) => `${group.replace("*", feature)}.${value}`), ...(own === undefined ? [] : [own])].find((one) => te(one));
      return key === undefined ? undefined : t(key);
    }
    function shown(field: string, value: unknown): string {
      if (value === null || value === undefined || value === "") return "—";
      if (typeof value === "boolean") return quantityText(field, value, locale(), zone.value);
      if (typeof value === "string") {
        if (INSTANT.test(value)) return instantText(value, zone.value) || value;
        return word(field, value) ?? value;
      }
      if (typeof value === "number") return byName(field, value, zone.value) ?? quantityText(field, value, locale(), zone.value);
      if (Array.isArray(value)) {
        if (field === "office_days") return value.map((day) => (locale() === "zh" ? `周${WEEKDAYS[Number(day)] ?? ""}` : (WEEKDAYS_EN[Number(day)] ?? ""))).join(locale() === "zh" ? "、" : ", ");
        return value.length === 0 ? "—" : value.map((one) => shown(field, one)).join(value.some(isTable) ? "; " : ", ");
      }
      if (!isTable(value)) return plainly(field, value);
      const tiers = tiersOf(value);
      if (tiers !== null) return tiers.map((tier) => `${tierSpan(tier, locale())} ${tier.price}`).join(", ");
      const [colon, stop] = locale() === "zh" ? ["：", "；"] : [": ", "; "];
      return Object.entries(value).filter(([, one]) => one !== null && one !== "").map(([name, one]) => `${label(name)}${colon}${shown(name, one)}`).join(stop) || "—";
    }
    const tiers = tiersOf(whole);
    return (field, value) => {
      if (isCommand && SPOKEN.includes(field) && isTable(value)) return paramsText(String(whole.kind ?? ""), value, locale(), zone.value) || "—";
      if (field === "prices" && tiers !== null && Array.isArray(value)) return listText(tiers.map((tier) => `${tierSpan(tier, locale())} ${tier.price}`));
      return shown(field, value);
    };
  };
}
