// SPDX-License-Identifier: Apache-2.0
// What may be said of what cells carry; the server asks the same.

export interface CapacityLine {
  network: string;
  ce0_per_min: string;
  ce1_per_min: string;
  ce2_per_min: string;
}

export interface CapacityFault {
  /** Counted from 1, as people count lines. */
  line: number;
  why: "network" | "twice" | "number" | "order";
}

/** The first line that cannot be saved, and why; null: all can. */
export function capacityFault(lines: readonly CapacityLine[]): CapacityFault | null {
  const seen = new Set<string>();
  for (const [place, line] of lines.entries()) {
    const network = line.network.trim();
    const numbers = [line.ce0_per_min, line.ce1_per_min, line.ce2_per_min].map((text) => text.trim());
    const fault = (why: CapacityFault["why"]): CapacityFault => ({ line: place + 1, why });
    if (!/^(\d{5,6})?$/.test(network)) return fault("network");
    if (seen.has(network)) return fault("twice");
    if (!numbers.every((text) => /^[1-9]\d{0,5}$/.test(text) && Number(text) <= 100_000)) return fault("number");
    const [ce0, ce1, ce2] = numbers.map(Number) as [number, number, number];
    if (ce0 < ce1 || ce1 < ce2) return fault("order");
    seen.add(network);
  }
  return null;
}
