// SPDX-License-Identifier: Apache-2.0
// What an alarm is about, in a line: its event, and of a limit that is passed the quantity with what it was and the bound.
import { labelOf, scaledText } from "@/shared/format/quantity";
import type { Locale } from "@/shared/i18n/bilingual";
import type { Alarm } from "./calls";

type Limited = Pick<Alarm, "event" | "quantity" | "value" | "bound" | "unit" | "exponent">;

/** `Pressure 150.0 kPa: below its limit (200.0 kPa)`; the event's name alone where there is no quantity. */
export function alarmText(alarm: Limited, eventName: (event: string) => string, language: Locale): string {
  const name = eventName(alarm.event);
  if (alarm.quantity === "" || alarm.value === null || alarm.bound === null) return name;
  const { quantity, value, bound, unit, exponent } = alarm;
  const [colon, open, close] = language === "zh" ? ["：", "（", "）"] : [": ", " (", ")"];
  const lowered = language === "zh" ? name : name.charAt(0).toLowerCase() + name.slice(1);
  return `${labelOf(quantity, language)} ${scaledText(value, exponent, unit)}${colon}${lowered}${open}${scaledText(bound, exponent, unit)}${close}`;
}
