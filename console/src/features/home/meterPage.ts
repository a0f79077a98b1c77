// SPDX-License-Identifier: Apache-2.0
// All that happened to a meter, on its page.
import type { MeterPart } from "@/shared/meterPage";

export const meterParts: readonly MeterPart[] = [
  { place: "tab", name: "timeline", needs: "see_timeline", label: "timeline.tab", order: 5, load: () => import("./parts/MeterTimeline.vue"), props: (meter) => ({ meterId: meter.meter_id }) },
];
