// SPDX-License-Identifier: Apache-2.0
// What an alarm is about, in a line: its event, and of a limit that is passed the quantity with what it was and the bound.
import { labelOf, scaledText } from "@/shared/format/quantity";
import type { Locale } from "@/shared/i18n/bilingual";
import type { Alarm } from "./calls";

type Limited = Pick<Alarm, "event" | "quantity" | "value" | "bound" | "unit" | "exponent"> & { rule?: string | undefined };

/** `Pressure 150.0 kPa: below its limit (200.0 kPa)`; the event's name alone where there is no quantity. */
export function alarmText(alarm: Limited, eventName: (event: string) => string, language: Locale): string {
  const name = eventName(alarm.event);
  if (alarm.event === "rule_fired") return ruleText(name, alarm.rule ?? "", alarm.value, alarm.bound, language);
  if (alarm.quantity === "" || alarm.value === null || alarm.bound === null) return name;
  const { quantity, value, bound, unit, exponent } = alarm;
  const [colon, open, close] = language === "zh" ? ["：", "（", "）"] : [": ", " (", ")"];
  const lowered = language === "zh" ? name : name.charAt(0).toLowerCase() + name.slice(1);
  return `${labelOf(quantity, language)} ${scaledText(value, exponent, unit)}${colon}${lowered}${open}${scaledText(bound, exponent, unit)}${close}`;
}

/** `Rule fired: Battery low`; of a rule that gathers meters how many of how many are enough. */
export function ruleText(name: string, rule: string, value: number | null, bound: number | null, language: Locale): string {
  const named = rule === "" ? name : language === "zh" ? `${name}：${rule}` : `${name}: ${rule}`;
  if (value === null || bound === null) return named;
  return language === "zh" ? `${named}（${String(value)} 只表，阈值 ${String(bound)}）` : `${named} (${String(value)} meters, ${String(bound)} are enough)`;
}
