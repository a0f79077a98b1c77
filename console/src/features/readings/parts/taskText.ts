// SPDX-License-Identifier: Apache-2.0
// A collection task in words: of whom, and what it wants. What it does not say is not told: there the level above counts.
import type { CollectionTask, NewTask } from "@/features/readings/calls";

type T = (key: string, named?: Record<string, unknown>) => string;
type Parts = Pick<CollectionTask, "frequency" | "need" | "remedy" | "rereads_a_month" | "quantities">;

/** `区域 城北`, `全公司`. */
export function targetOf(task: Pick<CollectionTask, "level" | "name">, t: T): string {
  const level = t(`tasks.levels.${task.level}`);
  return task.name === "" ? level : `${level} ${task.name}`;
}

/** What it wants, a phrase each. */
export function partsOf(task: Partial<Parts>, t: T): string[] {
  const said: string[] = [];
  if (task.frequency) said.push(t(`tasks.frequencies.${task.frequency}`));
  if (task.need) said.push(t(`tasks.needs.${task.need}`));
  if (task.remedy) said.push(t(`tasks.remedies.${task.remedy}`));
  if (typeof task.rereads_a_month === "number") said.push(t("tasks.limit", { count: task.rereads_a_month }));
  if (task.quantities && task.quantities.length > 0) said.push(task.quantities.join(", "));
  return said;
}

export interface TaskInputs {
  level: "company" | "area" | "product" | "meter";
  area: string;
  product: string;
  meter: string;
  first: string;
  last: string;
  frequency: string;
  need: string;
  remedy: string;
  limit: string;
  quantities: string;
}

/** The request; empty fields are left as the level above has them. */
export function taskOf(form: TaskInputs): Omit<NewTask, "reason"> {
  const number = (text: string): number | null => (text.trim() === "" ? null : Number(text));
  const names = form.quantities.split(/[\s,，;；]+/).filter((name) => name !== "");
  return {
    level: form.level,
    area_id: form.level === "area" ? number(form.area) : null,
    product_id: form.level === "product" ? number(form.product) : null,
    meter_id: form.level === "meter" ? number(form.meter) : null,
    first_day: form.first === "" ? null : form.first,
    last_day: form.last === "" ? null : form.last,
    frequency: form.frequency === "" ? null : (form.frequency as NonNullable<NewTask["frequency"]>),
    need: form.need === "" ? null : (form.need as NonNullable<NewTask["need"]>),
    remedy: form.remedy === "" ? null : (form.remedy as NonNullable<NewTask["remedy"]>),
    rereads_a_month: number(form.limit),
    quantities: names.length === 0 ? null : names,
  };
}
