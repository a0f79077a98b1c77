// SPDX-License-Identifier: Apache-2.0
// What a person fills in for an act on a meter, and the body that goes to the server: only what the act knows, registers as they were typed.
import type { ExchangeBody, GivenRegister, InstallBody, MoveBody, RemoveBody } from "@/features/fleet/calls";

export const KINDS = ["install", "exchange", "remove", "move"] as const;
export type Kind = (typeof KINDS)[number];
export type Source = GivenRegister["source"];

export interface ActInputs {
  number: string;
  barCode: string;
  newNumber: string;
  newBarCode: string;
  frameNumber: string;
  account: string;
  closing: string;
  closingSource: Source;
  opening: string;
  openingSource: Source;
  person: string;
  contractor: string;
}

export type SentAct = { kind: "install"; body: InstallBody } | { kind: "exchange"; body: ExchangeBody } | { kind: "remove"; body: RemoveBody } | { kind: "move"; body: MoveBody };

export const emptyAct = (number: string): ActInputs => ({
  number, barCode: "", newNumber: "", newBarCode: "", frameNumber: "", account: "", closing: "", closingSource: "read", opening: "", openingSource: "read", person: "", contractor: "",
});

/** A meter as it is named to the server: all that was read of it must be one meter's. */
export const meterOf = (number: string, barCode = "") => ({ number: number.trim(), bar_code: barCode.trim(), frame_number: "" });

export const kindOf = (text: unknown): Kind => KINDS.find((kind) => kind === text) ?? "install";

/** Which groups of fields an act has. */
export function fieldsOf(kind: Kind): readonly string[] {
  return {
    install: ["bar_code", "account", "opening", "person", "contractor"],
    exchange: ["bar_code", "new", "closing", "opening", "person", "contractor"],
    remove: ["bar_code", "closing", "person"],
    move: ["account", "closing"],
  }[kind];
}

const isRegister = (text: string): boolean => /^\d{1,12}(\.\d{1,9})?$/.test(text.trim());

/** Whether all is there that the act needs. */
export function isWhole(kind: Kind, form: ActInputs): boolean {
  const has = fieldsOf(kind);
  return (
    form.number.trim() !== "" &&
    (!has.includes("new") || form.newNumber.trim() !== "") &&
    (!has.includes("account") || form.account.trim() !== "") &&
    (!has.includes("closing") || isRegister(form.closing)) &&
    (!has.includes("opening") || isRegister(form.opening))
  );
}

export function actFrom(kind: Kind, form: ActInputs, key: string, reason: string): SentAct {
  const meter = meterOf(form.number, form.barCode);
  const closing = { m3: form.closing.trim(), source: form.closingSource };
  const opening = { m3: form.opening.trim(), source: form.openingSource };
  const { person, contractor } = form;
  switch (kind) {
    case "install":
      return { kind, body: { key, meter, account_number: form.account.trim(), opening, person, contractor, reason } };
    case "exchange":
      return {
        kind,
        body: { key, old: meter, new: { ...meterOf(form.newNumber, form.newBarCode), frame_number: form.frameNumber.trim() }, closing, opening, person, contractor, reason },
      };
    case "remove":
      return { kind, body: { key, meter, closing, person, reason } };
    case "move":
      return { kind, body: { key, meter: meterOf(form.number), account_number: form.account.trim(), register: closing, reason } };
  }
}
