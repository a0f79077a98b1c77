// SPDX-License-Identifier: Apache-2.0
import { isMeter, type MeterPart } from "@/shared/meterPage";

export const meterParts: readonly MeterPart[] = [
  { place: "card", name: "price", needs: "see_tariffs", label: "tariff.confirmed", order: 40, load: () => import("./parts/ConfirmedPrice.vue"), props: (meter) => ({ meterId: meter.meter_id }), has: isMeter },
];
