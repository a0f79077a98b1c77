// SPDX-License-Identifier: Apache-2.0
// What the features bring along, found by the names of their files: nothing here names a feature.
import type { MeterPart } from "@/shared/meterPage";

const meterPages = import.meta.glob<{ meterParts: readonly MeterPart[] }>("/src/features/*/meterPage.ts", { eager: true });

export const meterParts: readonly MeterPart[] = Object.values(meterPages).flatMap((file) => file.meterParts);
