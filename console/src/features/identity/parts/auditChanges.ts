// SPDX-License-Identifier: Apache-2.0
// What an entry of the trail says has changed.

export interface Change {
  field: string;
  before: string;
  after: string;
}

function fieldsOf(value: unknown): Map<string, unknown> {
  return new Map(typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : []);
}
function shown(value: unknown): string {
  if (value === undefined || value === null) return "—";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Fields that differ, in the order they come; everything of an object that is new or gone. */
export function changesBetween(before: unknown, after: unknown): Change[] {
  const old = fieldsOf(before);
  const now = fieldsOf(after);
  return [...new Set([...old.keys(), ...now.keys()])]
    .map((field) => ({ field, before: shown(old.get(field)), after: shown(now.get(field)) }))
    .filter((change) => change.before !== change.after);
}
