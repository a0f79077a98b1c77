// SPDX-License-Identifier: Apache-2.0
// The meter's LwM2M objects and its commands on its page.
import type { MeterPart } from "@/shared/meterPage";

export const meterParts: readonly MeterPart[] = [
  { place: "tab", name: "objects", label: "objects.tab", order: 60, load: () => import("./parts/MeterObjects.vue"), props: (meter) => ({ meterId: meter.meter_id }) },
  { place: "tab", name: "commands", label: "command.tab", order: 70, load: () => import("./parts/MeterCommands.vue"), props: (meter) => ({ meter }) },
];
