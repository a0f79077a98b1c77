// SPDX-License-Identifier: Apache-2.0
// What people found and did at the meter, with their photographs.
import { isMeter, type MeterPart } from "@/shared/meterPage";

export const meterParts: readonly MeterPart[] = [
  { place: "tab", name: "site", label: "site.tab", order: 59, needs: "see_meters", load: () => import("./parts/SiteRecords.vue"), props: (meter) => ({ meterId: meter.meter_id }), has: isMeter },
];
