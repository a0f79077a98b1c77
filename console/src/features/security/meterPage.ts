// SPDX-License-Identifier: Apache-2.0
import type { MeterPart } from "@/shared/meterPage";

export const meterParts: readonly MeterPart[] = [
  { place: "tab", name: "security", needs: "see_security", label: "security.tab", order: 80, load: () => import("./parts/MeterSecurity.vue"), props: (meter) => ({ meterId: meter.meter_id, number: meter.number }) },
];
