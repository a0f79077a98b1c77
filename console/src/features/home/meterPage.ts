// SPDX-License-Identifier: Apache-2.0
// All that happened to a meter, and why it may be silent, on its page.
import type { MeterPart } from "@/shared/meterPage";

export const meterParts: readonly MeterPart[] = [
  { place: "tab", name: "timeline", needs: "see_timeline", label: "timeline.tab", order: 5, load: () => import("./parts/MeterTimeline.vue"), props: (meter) => ({ meterId: meter.meter_id }) },
  { place: "tab", name: "cause", needs: "see_timeline", label: "timeline.cause", order: 6, load: () => import("./parts/MeterCause.vue"), props: (meter) => ({ meterId: meter.meter_id }) },
];
