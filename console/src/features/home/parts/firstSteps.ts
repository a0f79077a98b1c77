// SPDX-License-Identifier: Apache-2.0
// The steps of a new utility, in the order in which one needs the other, and the page where each is done.
import type { Role } from "@/api/types";
import type { HomeSummary } from "@/features/home/calls";

type Steps = NonNullable<HomeSummary["first_steps"]>;

export const STEPS: readonly { name: keyof Steps; to: { name: string } | null; least: Role }[] = [
  { name: "areas", to: { name: "areas" }, least: "administrator" },
  { name: "products", to: { name: "products" }, least: "administrator" },
  { name: "meters", to: { name: "meter-import" }, least: "operator" },
  { name: "keys", to: { name: "keys" }, least: "administrator" },
  { name: "heard", to: { name: "refusals" }, least: "operator" }, // until the first message is there, who was refused and why
  { name: "people", to: { name: "users" }, least: "administrator" },
];

/** The first step that is not done. */
export function nextOf(steps: Steps): keyof Steps | null {
  return STEPS.find((step) => !steps[step.name])?.name ?? null;
}
