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
/** How a value of a field is written; the page knows the language and the zone. */
export type Shown = (field: string, value: unknown) => string;

export function plainly(_field: string, value: unknown): string {
  if (value === undefined || value === null) return "—";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Fields that differ, in the order they come; everything of an object that is new or gone. */
export function changesBetween(before: unknown, after: unknown, shown: Shown = plainly): Change[] {
  const old = fieldsOf(before);
  const now = fieldsOf(after);
  return [...new Set([...old.keys(), ...now.keys()])]
    .map((field) => ({ field, was: plainly(field, old.get(field)), is: plainly(field, now.get(field)) }))
    .filter((change) => change.was !== change.is)
    .map(({ field }) => ({ field, before: shown(field, old.get(field)), after: shown(field, now.get(field)) }));
}
