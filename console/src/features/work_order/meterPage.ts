// SPDX-License-Identifier: Apache-2.0
import type { MeterPart } from "@/shared/meterPage";

export const meterParts: readonly MeterPart[] = [
  { place: "tab", name: "orders", needs: "see_orders", label: "order.title", order: 47, load: () => import("./parts/MeterOrders.vue"), props: (meter) => ({ meterId: meter.meter_id }) },
];
