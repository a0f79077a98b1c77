// SPDX-License-Identifier: Apache-2.0
import type { MeterPart } from "@/shared/meterPage";

export const meterParts: readonly MeterPart[] = [
  { place: "card", name: "mirror", needs: "see_money", label: "billing.mirror", order: 42, load: () => import("./parts/MeterBalance.vue"), props: (meter) => ({ meterId: meter.meter_id }), has: (meter) => meter.state?.balance_kind === 0 || meter.state?.balance_kind === 1 },
];
