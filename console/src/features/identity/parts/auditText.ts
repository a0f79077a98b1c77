// SPDX-License-Identifier: Apache-2.0
// Values of the trail as the rest of the console shows them: instants in the zone, yes and no in words, what a command says with
// its units. The trail itself keeps exact integers; they stand in the entry as the API gives it.
import { useI18n } from "vue-i18n";
import { locale } from "@/shared/i18n";
import { paramsText } from "@/shared/format/params";
import { quantityText } from "@/shared/format/quantity";
import { instantText } from "@/shared/format/time";
import { useSession } from "@/shared/session";
import { plainly, type Shown } from "./auditChanges";

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/;
/** Fields that hold a code, and the groups of words in which it may be found. */
const WORDS: Partial<Record<string, string[]>> = { kind: ["kinds"], state: ["states", "batchStates"], reason: ["why"] };
const SPOKEN = ["params", "answer", "settings"];

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function useAuditText() {
  const { t, te } = useI18n();
  const { zone } = useSession();
  /** How to write the fields of one entry. */
  return (entry: { object_type: string; before: unknown; after: unknown }): Shown => {
    const whole = isTable(entry.after) ? entry.after : isTable(entry.before) ? entry.before : {};
    const feature = entry.object_type.split("_")[0] ?? ""; // an object's codes are words of its own feature, where it has some
    const isCommand = entry.object_type === "command" || entry.object_type === "command_batch";
    return (field, value) => {
      if (typeof value === "boolean") return quantityText(field, value, locale(), zone.value);
      if (typeof value === "string" && INSTANT.test(value)) return instantText(value, zone.value) || value;
      const word = typeof value === "string" ? WORDS[field]?.map((group) => `${feature}.${group}.${value}`).find((key) => te(key)) : undefined;
      if (word !== undefined) return t(word);
      if (isCommand && SPOKEN.includes(field) && isTable(value)) return paramsText(String(whole.kind ?? ""), value, locale(), zone.value) || "—";
      return plainly(field, value);
    };
  };
}
