// SPDX-License-Identifier: Apache-2.0
// What people type about an order, as the API takes it: exact integers, and never a guess where something cannot be read.
import { exactOf } from "@/shared/format/quantity";
import type { CheckLine } from "./calls";

export interface TypedPart {
  name: string;
  quantity: string;
  unit: string;
  price: string;
}

/** Parts as they were typed; null where one cannot be read. Lines without a name are left out where they are empty otherwise. */
export function partsOf(typed: readonly TypedPart[]): { code: string; name: string; quantity_milli: number; unit: string; fen: number }[] | null {
  const found = [];
  for (const one of typed) {
    const name = one.name.trim();
    if (name === "" && one.quantity.trim() === "" && one.price.trim() === "") continue;
    const quantity = exactOf(one.quantity.trim(), 3);
    const fen = one.price.trim() === "" ? 0 : exactOf(one.price.trim(), 2);
    if (name === "" || quantity === null || quantity < 1 || fen === null || fen < 0) return null;
    found.push({ code: "", name, quantity_milli: quantity, unit: one.unit.trim(), fen });
  }
  return found;
}

/** Answers as they were typed, by item; empty ones are left out, null where a number is none. */
export function answersOf(lines: readonly CheckLine[], typed: Readonly<Record<string, string>>): Record<string, boolean | number | string> | null {
  const found: Record<string, boolean | number | string> = {};
  for (const line of lines) {
    const text = (typed[line.code] ?? "").trim();
    if (text === "") continue;
    if (line.answer === "yes_no") found[line.code] = text === "yes";
    else if (line.answer === "whole") {
      if (!/^-?\d{1,15}$/.test(text)) return null;
      found[line.code] = Number(text);
    } else found[line.code] = text;
  }
  return found;
}

/** Answers as the form shows them. */
export function typedAnswers(answers: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(answers).map(([code, value]) => [code, value === true ? "yes" : value === false ? "no" : String(value)]));
}

interface TypedWork {
  answers: Record<string, string>;
  labour: string;
  result: string;
  signer: string;
}
type Worked = Readonly<{ answers: Readonly<Record<string, unknown>>; labour_min: number; result: string; signer: string }>;

/** What an order says of the work, as the form shows it. */
export const typedWork = (order: Worked): TypedWork => ({ answers: typedAnswers(order.answers), labour: String(order.labour_min), result: order.result, signer: order.signer });

/** What has been typed stays when the order comes again, as after a picture: only what still is as the order had it follows the order. */
export function keepTyped(typed: TypedWork, before: Worked, now: Worked): TypedWork {
  const [was, is] = [typedWork(before), typedWork(now)];
  const kept = (mine: string, then: string, next: string): string => (mine === then ? next : mine);
  const codes = new Set([...Object.keys(typed.answers), ...Object.keys(is.answers)]);
  return {
    answers: Object.fromEntries([...codes].map((code) => [code, kept(typed.answers[code] ?? "", was.answers[code] ?? "", is.answers[code] ?? "")])),
    labour: kept(typed.labour, was.labour, is.labour), result: kept(typed.result, was.result, is.result), signer: kept(typed.signer, was.signer, is.signer),
  };
}

/** Numbers by commas; null where one is none. */
export function numbersOf(text: string): number[] | null {
  const parts = text.split(/[,，\s]+/).filter((part) => part !== "");
  return parts.every((part) => /^[1-9]\d{0,9}$/.test(part)) ? parts.map(Number) : null;
}

/** Words by commas in the form the API has; null where one is not so. */
export function wordsOf(text: string): string[] | null {
  const parts = text.split(/[,，\s]+/).filter((part) => part !== "");
  return parts.every((part) => /^[a-z][a-z0-9_]{0,39}$/.test(part)) ? parts : null;
}
