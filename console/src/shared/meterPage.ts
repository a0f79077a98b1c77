// SPDX-License-Identifier: Apache-2.0
// What the page of one meter holds beside the meter itself. Each feature names its parts in a file `meterPage.ts`, the app
// collects them, and the page shows them without knowing whose they are.
import { defineAsyncComponent, inject, type Component, type InjectionKey } from "vue";
import type { Schemas } from "@/api/typed";
import type { Permission } from "@/api/types";
import { useSession } from "@/shared/session";

type Meter = Schemas["MeterDetail"];

/** A monitor (pressure, flow, level …) has neither registers nor a bill: its pages are of its quantities. */
export function isMeter(meter: Pick<Meter, "kind">): boolean {
  return meter.kind === "meter";
}

export interface MeterPart {
  /** A tab of its own, opened by `?tab=<name>`, or a card among those of the first tab. */
  place: "tab" | "card";
  name: string;
  /** Key of its title. */
  label: string;
  /** Place among the others of its kind, the lowest first. */
  order: number;
  /** The part's code, loaded when it is first shown. */
  load: () => Promise<{ default: Component }>;
  /** What the component is given. */
  props: (meter: Meter) => Record<string, unknown>;
  /** What a person must be allowed to see it. */
  needs: Permission;
  /** Whether this meter has it; every meter when absent. */
  has?: (meter: Meter) => boolean;
}

export const METER_PARTS: InjectionKey<readonly MeterPart[]> = Symbol("meter parts");

/** The parts of one place that `meter` has and the person may see, in their order, each with what shows it. */
export function useMeterParts(place: MeterPart["place"]) {
  const { may } = useSession();
  const parts = inject(METER_PARTS, [])
    .filter((part) => part.place === place && may(part.needs))
    .sort((a, b) => a.order - b.order)
    .map((part) => ({ ...part, view: defineAsyncComponent(part.load) }));
  return {
    partsOf: (meter: Meter) => parts.filter((part) => part.has?.(meter) ?? true),
    /** Fetches their code before it is shown. */
    preload: () => { for (const part of parts) void part.load(); },
  };
}
