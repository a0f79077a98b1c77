// SPDX-License-Identifier: Apache-2.0
// The meter's readings, frames, signals and findings on its page, and why data are missing.
import { isMeter, type MeterPart } from "@/shared/meterPage";

export const meterParts: readonly MeterPart[] = [
  { place: "card", name: "use", needs: "see_readings", label: "readings.uses.title", order: 2, load: () => import("./parts/MeterUse.vue"), props: (meter) => ({ meterId: meter.meter_id }), has: isMeter },
  { place: "card", name: "diagnosis", needs: "see_readings", label: "diagnosis.title", order: 10, load: () => import("./parts/MeterDiagnosis.vue"), props: (meter) => ({ meter }), has: (meter) => isMeter(meter) && !meter.removed_on },
  { place: "tab", name: "readings", needs: "see_readings", label: "meter.tabReadings", order: 10, load: () => import("./parts/MeterReadings.vue"), props: (meter) => ({ meterId: meter.meter_id }), has: isMeter },
  { place: "tab", name: "quantities", needs: "see_readings", label: "quantities.tab", order: 15, load: () => import("./parts/MeterQuantities.vue"), props: (meter) => ({ meterId: meter.meter_id, hasVolume: isMeter(meter) }) },
  { place: "tab", name: "frames", needs: "see_frames", label: "meter.tabFrames", order: 20, load: () => import("./parts/FrameTrace.vue"), props: (meter) => ({ meterId: meter.meter_id }) },
  { place: "tab", name: "signal", needs: "see_readings", label: "history.tab", order: 30, load: () => import("./parts/SignalHistory.vue"), props: (meter) => ({ meterId: meter.meter_id }) },
  { place: "tab", name: "exceptions", needs: "see_readings", label: "history.tabExceptions", order: 50, load: () => import("./parts/ExceptionTable.vue"), props: (meter) => ({ meterId: meter.meter_id }), has: isMeter },
  { place: "tab", name: "edits", needs: "see_readings", label: "edits.tab", order: 55, load: () => import("./parts/EditTable.vue"), props: (meter) => ({ meterId: meter.meter_id }), has: isMeter },
  { place: "tab", name: "manual", needs: "see_readings", label: "manual.tab", order: 57, load: () => import("./parts/ManualReadings.vue"), props: (meter) => ({ meterId: meter.meter_id, meterNumber: meter.number }), has: isMeter },
  { place: "tab", name: "task", needs: "see_readings", label: "tasks.tab", order: 58, load: () => import("./parts/MeterTask.vue"), props: (meter) => ({ meterId: meter.meter_id }), has: isMeter },
];
