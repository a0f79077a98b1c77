// SPDX-License-Identifier: Apache-2.0
// The meter's LwM2M objects, its commands and its safety closing on its page.
import { isMeter, type MeterPart } from "@/shared/meterPage";

export const meterParts: readonly MeterPart[] = [
  { place: "card", name: "reach", needs: "see_commands", label: "command.reach.title", order: 3, load: () => import("./parts/MeterReach.vue"), props: (meter) => ({ meter }), has: (meter) => !meter.removed_on },
  { place: "card", name: "safety", needs: "see_commands", label: "command.safety.title", order: 5, load: () => import("./parts/SafetyCard.vue"), props: (meter) => ({ meter }), has: isMeter },
  { place: "tab", name: "objects", needs: "see_frames", label: "objects.tab", order: 60, load: () => import("./parts/MeterObjects.vue"), props: (meter) => ({ meterId: meter.meter_id }) },
  { place: "tab", name: "commands", needs: "see_commands", label: "command.tab", order: 70, load: () => import("./parts/MeterCommands.vue"), props: (meter) => ({ meter }) },
];
