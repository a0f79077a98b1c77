// SPDX-License-Identifier: Apache-2.0
// What an installer filled in, as a draft that outlives a reload, and the calls it becomes. Pure.
import { addPhoto, installLater, noteVisit, type CheckQuestion, type IssuedMeter, type LaterCall } from "@/features/field/calls";

export interface InstallDraft {
  key: string;
  bar_code: string;
  imei: string;
  account: string;
  register: string;
  person: string;
  reason: string;
  answers: Record<string, boolean | string>;
  photos: Blob[];
  signature: Blob | null;
}

export function emptyDraft(key: string, person: string): InstallDraft {
  return { key, bar_code: "", imei: "", account: "", register: "0", person, reason: "", answers: {}, photos: [], signature: null };
}

/** Whether anything stands in it that somebody would miss. The name of the person and a register of 0 come by themselves. */
export function isBegun(draft: InstallDraft): boolean {
  const typed = [draft.bar_code, draft.imei, draft.account, draft.reason].some((text) => text.trim() !== "") || !["", "0"].includes(draft.register.trim());
  return typed || draft.photos.length > 0 || draft.signature !== null || Object.values(draft.answers).some((answer) => answer !== "" && answer !== false);
}

/** Where the form is kept while somebody fills it in. */
export const DRAFT = "draft install";

/** What an act remembers of its form, without pictures; and the form made of it again, under another key: another content is another act. */
export type KeptForm = Omit<InstallDraft, "photos" | "signature" | "key">;

export function formOf({ bar_code, imei, account, register, person, reason, answers }: InstallDraft): KeptForm {
  return { bar_code, imei, account, register, person, reason, answers };
}

export function reopened(form: KeptForm, files: ReadonlyMap<string, Blob>, key: string): InstallDraft {
  const signature = [...files].find(([name]) => name.endsWith("-s"))?.[1] ?? null;
  return { ...form, key, photos: [...files].filter(([name]) => !name.endsWith("-s")).map(([, blob]) => blob), signature };
}

export type Pair = { meter: IssuedMeter } | { unknown: true } | { differs: { known: string; given: string; number: string } } | null;

/** The issued meter of a code (bar code, or the number itself), and whether the module's number is the one that belongs to it: both are shown
 * where not. null: nothing was read yet. */
export function pairOf(issued: readonly IssuedMeter[], barCode: string, imei: string): Pair {
  if (barCode === "") return null;
  const meter = issued.find((one) => one.bar_code === barCode) ?? issued.find((one) => one.number === barCode);
  if (meter === undefined) return { unknown: true };
  const digits = imei.replace(/\D/g, "");
  if (imei !== "" && meter.imei !== digits) {
    const other = issued.find((one) => one.imei === digits);
    return { differs: { known: meter.imei ?? "—", given: other === undefined ? imei : `${imei} (${other.number})`, number: meter.number } };
  }
  return { meter };
}

/** Names of answers that are missing or outside their limit; empty: all is well. */
export function checkFaults(questions: readonly CheckQuestion[], answers: InstallDraft["answers"]): string[] {
  return questions.filter((one) => !isWithin(one, answers[one.name])).map((one) => one.name);
}

function isWithin({ rule, limit }: CheckQuestion, answer: boolean | string | undefined): boolean {
  if (rule === "yes") return answer === true;
  if (typeof answer !== "string" || !/^\d{1,5}$/.test(answer.trim())) return false;
  return rule === "least" ? Number(answer) >= limit : Number(answer) <= limit;
}

/** Pictures of an act by their keys. */
export function filesOf(draft: InstallDraft): Map<string, Blob> {
  const files = new Map(draft.photos.map((blob, place) => [`${draft.key}-p${String(place)}`, blob]));
  if (draft.signature !== null) files.set(`${draft.key}-s`, draft.signature);
  return files;
}

/** In order: the meter hangs, then what was answered, then pictures. Each has a key of its own. */
export function installSteps(draft: InstallDraft, meter: IssuedMeter, questions: readonly CheckQuestion[]): LaterCall[] {
  const answers = Object.fromEntries(questions.map((one) => [one.name, one.rule === "yes" ? true : Number(draft.answers[one.name])]));
  const imei = draft.imei.replace(/\D/g, "");
  return [
    installLater({
      key: draft.key,
      meter: { number: meter.number, bar_code: meter.bar_code, imei: imei === "" ? null : imei, frame_number: "" },
      opening: { m3: draft.register, source: draft.photos.length > 0 ? "photographed" : "read" },
      account_id: null,
      account_number: draft.account.trim(),
      place: null,
      person: draft.person.trim(),
      contractor: "",
      reason: draft.reason.trim(),
    }),
    noteVisit({ key: `${draft.key}-c`, kind: "installation", meter_id: meter.meter_id, no_access: null, note: "", answers }),
    ...[...filesOf(draft).keys()].map((file) => addPhoto(file, meter.meter_id, draft.key, file.endsWith("-s") ? "signature" : "site")),
  ];
}
