// SPDX-License-Identifier: Apache-2.0
// A utility's command policy as it is typed, and back: hours as HH:MM, the share in percent. What is not understood is named.
import type { CommandPolicy } from "@/features/command/calls";

export interface TypedPolicy {
  remoteClosing: boolean;
  from: string;
  to: string;
  /** Whether Monday … Sunday are office days. */
  days: boolean[];
  share: string;
}

export type PolicyFault = "hours" | "order" | "share";
export type ReadPolicy = { policy: CommandPolicy; fault: null } | { policy: null; fault: PolicyFault };

const EARLIEST = 6 * 60; // the server takes no office hours outside these
const LATEST = 22 * 60;
const PPM_OF_PERCENT = 10_000;

export function typedOf(policy: CommandPolicy): TypedPolicy {
  return {
    remoteClosing: policy.remote_closing,
    from: hours(policy.office_from),
    to: hours(policy.office_to),
    days: [0, 1, 2, 3, 4, 5, 6].map((day) => policy.office_days?.includes(day) === true),
    share: String(policy.daily_share_ppm / PPM_OF_PERCENT),
  };
}

export function policyOf(typed: TypedPolicy): ReadPolicy {
  const from = minutes(typed.from);
  const to = minutes(typed.to);
  if (from === null || to === null || from < EARLIEST || to > LATEST) return { policy: null, fault: "hours" };
  if (from >= to) return { policy: null, fault: "order" };
  const ppm = /^\d{1,3}(\.\d{1,4})?$/.test(typed.share.trim()) ? Math.round(Number(typed.share) * PPM_OF_PERCENT) : NaN;
  if (!(ppm >= 0 && ppm <= 100 * PPM_OF_PERCENT)) return { policy: null, fault: "share" };
  const days = typed.days.flatMap((isOne, day) => (isOne ? [day] : []));
  return { policy: { remote_closing: typed.remoteClosing, office_from: from, office_to: to, office_days: days, daily_share_ppm: ppm }, fault: null };
}

function hours(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}

function minutes(text: string): number | null {
  const found = /^(\d{1,2})[:：]([0-5]\d)$/.exec(text.trim());
  return found === null || Number(found[1]) > 24 ? null : Number(found[1]) * 60 + Number(found[2]);
}
