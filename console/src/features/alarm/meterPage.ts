// SPDX-License-Identifier: Apache-2.0
import type { MeterPart } from "@/shared/meterPage";

export const meterParts: readonly MeterPart[] = [
  { place: "tab", name: "alarms", needs: "see_alarms", label: "alarm.title", order: 40, load: () => import("./parts/MeterAlarms.vue"), props: (meter) => ({ meterId: meter.meter_id }) },
  { place: "tab", name: "limits", needs: "see_alarms", label: "limits.title", order: 45, load: () => import("./parts/MeterLimits.vue"), props: (meter) => ({ meterId: meter.meter_id }) },
];
