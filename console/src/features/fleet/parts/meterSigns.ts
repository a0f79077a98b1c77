// SPDX-License-Identifier: Apache-2.0
// What is not well with a meter: names, colours and where to act. The server finds it and sorts it (app/fleet/signs.py).
import { useI18n } from "vue-i18n";
import type { RouteLocationRaw } from "vue-router";
import type { MeterDetail } from "@/features/fleet/calls";
import { useEventNames } from "@/shared/eventNames";
import { listText } from "@/shared/listText";

export type Sign = MeterDetail["signs"][number];

/** Nobody may take these for well; `major`: to be looked at; `muted`: told, and may be wanted. */
export function signTone(code: Sign["code"]): "critical" | "major" | "muted" {
  if (["safety_closed", "blocked", "quarantine", "mismatch", "no_driver", "valve_fault"].includes(code)) return "critical";
  return code === "observe" ? "muted" : "major";
}

export function useSignText() {
  const { t, te } = useI18n();
  const { eventName } = useEventNames();
  /** Findings of the access guard have their words with that feature, which stands above this one. */
  const reasonName = (reason: string): string => {
    const key = ["security", "kinds", reason].join(".");
    return te(key) ? t(key) : eventName(reason);
  };
  return {
    signName: (code: Sign["code"]): string => t(`meter.signs.${code}`),
    signWhy: (sign: Sign): string => listText([...(sign.reasons ?? []).map(reasonName), ...(sign.note ? [sign.note] : [])]),
    signAct(code: Sign["code"], meterId: number): RouteLocationRaw | null {
      const tab = (name: string) => ({ name: "meter", params: { meterId }, query: { tab: name } });
      if (["blocked", "quarantine", "observe", "sim_differs", "key_missing"].includes(code)) return tab("security");
      if (code === "valve_closed" || code === "valve_fault") return tab("commands");
      if (code === "silent") return tab("frames");
      if (code === "mismatch") return tab("exceptions");
      return code === "no_driver" ? { name: "products" } : null; // a safety closing has its own card below
    },
  };
}
