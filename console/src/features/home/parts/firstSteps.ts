// SPDX-License-Identifier: Apache-2.0
// The steps of a new utility, in the order in which one needs the other, and the page where each is done.
import type { Permission } from "@/api/types";
import type { HomeSummary } from "@/features/home/calls";

type Steps = NonNullable<HomeSummary["first_steps"]>;

export const STEPS: readonly { name: keyof Steps; to: { name: string } | null; needs: Permission }[] = [
  { name: "areas", to: { name: "areas" }, needs: "manage_places" },
  { name: "products", to: { name: "products" }, needs: "manage_products" },
  { name: "meters", to: { name: "meter-import" }, needs: "manage_meters" },
  { name: "keys", to: { name: "keys" }, needs: "manage_keys" },
  { name: "heard", to: { name: "refusals" }, needs: "handle_security" }, // until the first message is there, who was refused and why
  { name: "people", to: { name: "users" }, needs: "manage_users" },
];

/** The first step that is not done. */
export function nextOf(steps: Steps): keyof Steps | null {
  return STEPS.find((step) => !steps[step.name])?.name ?? null;
}
