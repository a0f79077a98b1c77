// SPDX-License-Identifier: Apache-2.0
// Which days' reports matter now. A day is due at 08:00 of the next day in the tenant's zone (R2.4): before eight,
// yesterday is still being collected and the report that is finished is that of the day before.
import { addDays, dayOf, instantText } from "@/shared/format/time";

export const DUE_HOUR = 8;

export interface Nights {
  /** Newest day whose report is due. */
  finished: string;
  /** The day being collected. */
  running: string;
}

export function nightsAt(now: Date, zone: string): Nights {
  const today = dayOf(now, zone);
  const hour = Number(instantText(now, zone).slice(11, 13));
  const running = hour < DUE_HOUR ? addDays(today, -1) : today;
  return { finished: addDays(running, -1), running };
}
