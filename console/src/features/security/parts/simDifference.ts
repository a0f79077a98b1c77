// SPDX-License-Identifier: Apache-2.0
// Registered and reported SIM side by side.
import type { MeterSecurity } from "@/features/security/calls";

export interface SimLine {
  name: "imsi" | "iccid";
  registered: string;
  seen: string;
  /** Both are known and differ. */
  differs: boolean;
}

/** An ICCID's 20th sign is a check digit that some modules leave out. */
export function simLines(security: Pick<MeterSecurity, "imsi" | "iccid" | "seen_imsi" | "seen_iccid">): SimLine[] {
  const same = (a: string, b: string) => a.toUpperCase() === b.toUpperCase();
  const iccidSame = same(security.iccid.slice(0, 19), security.seen_iccid.slice(0, 19)) && (security.iccid.length !== security.seen_iccid.length || same(security.iccid, security.seen_iccid));
  const line = (name: SimLine["name"], registered: string, seen: string, equal: boolean): SimLine => ({ name, registered, seen, differs: registered !== "" && seen !== "" && !equal });
  return [line("imsi", security.imsi, security.seen_imsi, same(security.imsi, security.seen_imsi)), line("iccid", security.iccid, security.seen_iccid, iccidSame)];
}
