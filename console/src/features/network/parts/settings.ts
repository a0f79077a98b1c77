// SPDX-License-Identifier: Apache-2.0
// What a person typed for a gateway's parameters, as the API takes it.
import type { GatewayCommand, GatewayParameter } from "@/features/network/calls";

export type Value = number | string | number[];
export const CAN_CANCEL: readonly string[] = ["drafted", "quarantined", "approved", "queued"];

/** Of one field; null where it is no value of its form. The bounds are the server's to judge. */
export function valueOf(parameter: Pick<GatewayParameter, "form">, typed: string): Value | null {
  const text = typed.trim();
  if (parameter.form === "word") return text;
  const parts = text === "" ? [] : text.split(/[,，;；\s]+/).filter((part) => part !== "");
  if (!parts.every((part) => /^-?\d{1,9}$/.test(part))) return null;
  const numbers = parts.map(Number);
  if (parameter.form === "ints") return numbers;
  return numbers.length === 1 ? (numbers[0] ?? null) : null;
}

export function shownValue(value: GatewayParameter["value"]): string {
  return value === null ? "" : Array.isArray(value) ? value.join(", ") : String(value);
}

/** Fields that are not as the gateway has it, and names of those that are no values. */
export function changesOf(parameters: readonly GatewayParameter[], typed: Readonly<Record<string, string>>): { values: Record<string, Value>; wrong: string[] } {
  const values: Record<string, Value> = {}, wrong: string[] = [];
  for (const one of parameters) {
    const text = typed[one.name] ?? "";
    if (text.trim() === shownValue(one.value)) continue;
    const value = valueOf(one, text);
    if (value === null) wrong.push(one.name);
    else values[one.name] = value;
  }
  return { values, wrong };
}

/** What it sets, in a line. */
export function contentOf(command: Pick<GatewayCommand, "parameters">, titleOf: (name: string) => string): string[] {
  return Object.entries(command.parameters).map(([name, value]) => `${titleOf(name)} = ${shownValue(value)}`);
}
