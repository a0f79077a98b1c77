// SPDX-License-Identifier: Apache-2.0
// What an alarm is about, as a place to go: its meter, or its node on the network page.
import type { RouteLocationRaw } from "vue-router";
import type { Alarm } from "./calls";

export function subjectOf(alarm: Pick<Alarm, "meter_id" | "number" | "concentrator_id" | "relay">): RouteLocationRaw {
  if (alarm.meter_id !== null) return { name: "meter", params: { meterId: alarm.meter_id } };
  const head = String(alarm.concentrator_id);
  return { name: "network", query: { node: alarm.relay > 0 ? `relay/${head}/${String(alarm.relay)}` : `gateway/${head}/${alarm.number}` } };
}
