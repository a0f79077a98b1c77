// SPDX-License-Identifier: Apache-2.0
// Acts that wait on the phone. Theory: an act is a list of calls (steps), each of which the server takes once for a key that the phone made; the
// act remembers how many are answered. Sent again after a lost answer, a step has no second effect; so it does not matter where a phone
// dies, how many tabs are open, or whether an answer arrived. What the server refuses stays as a conflict until a person settles it, and stands
// in nobody's way. Pure: storage, network and clock come as arguments.

/** `file`: key of a picture that goes as a form. `{at}` in `url` or `body` is the act's instant by the platform's clock. */
export interface Step {
  method: "POST";
  url: string;
  body?: unknown;
  file?: string;
}

export interface Refusal {
  code: string;
  title: string;
  detail: string;
}

export interface Act {
  key: string;
  /** What it is, for its title and for editing it: a kind of work, not a feature of the queue. */
  kind: string;
  owner: { user_id: number; name: string };
  /** The meter's number: how a person knows the act. */
  title: string;
  /** What the form held, for settling a conflict by editing. */
  form: Record<string, unknown>;
  /** By the phone's clock. */
  made_ms: number;
  /** Platform's clock minus the phone's, as it was last known when the act was made; null: never. */
  offset_ms: number | null;
  /** Its instant, settled when it is first sent and never changed: a repeat must be the same. */
  at: string | null;
  steps: Step[];
  done: number;
  state: "waiting" | "conflict";
  refusal: Refusal | null;
  /** Instants to choose from where the phone's clock was moved. */
  times: string[];
}

/** So much may the two clocks drift apart between making and sending before a person is asked. */
export const DRIFT_MS = 120_000;

const iso = (ms: number): string => new Date(Math.floor(ms / 1000) * 1000).toISOString().replace(".000Z", "Z");

/** When it was, by the platform's clock: certain, or two instants for a person to choose from. `offset_ms`: as it is now. */
export function instantOf(act: Pick<Act, "made_ms" | "offset_ms">, offset_ms: number, now_ms: number): { at: string } | { times: string[] } {
  const latest = now_ms + offset_ms;
  const then = act.offset_ms ?? (Math.abs(offset_ms) <= DRIFT_MS ? offset_ms : null);
  if (then !== null && Math.abs(then - offset_ms) <= DRIFT_MS) return { at: iso(Math.min(act.made_ms + then, latest)) };
  const choices = [act.made_ms + (act.offset_ms ?? 0), act.made_ms + offset_ms].filter((ms) => ms <= latest);
  return { times: [...new Set((choices.length === 0 ? [latest] : choices).map(iso))] };
}

/** A step's address and body with the act's instant in them. */
export function filled(step: Step, at: string): Step {
  const url = step.url.replaceAll("%7Bat%7D", encodeURIComponent(at)).replaceAll("{at}", encodeURIComponent(at));
  return step.body === undefined ? { ...step, url } : { ...step, url, body: JSON.parse(JSON.stringify(step.body).replaceAll('"{at}"', JSON.stringify(at))) as unknown };
}

export type Answer =
  | { kind: "taken" }
  | { kind: "refused"; refusal: Refusal }
  /** Nobody answered, or not now: the whole run ends, the act waits as it was. */
  | { kind: "later" }
  /** The session is over: the run ends until the person signs in. */
  | { kind: "signed-out" };

/** What an answer makes of an act; null: it is done. */
export function after(act: Act, answer: Answer): Act | null {
  if (answer.kind === "taken") return act.done + 1 >= act.steps.length ? null : { ...act, done: act.done + 1, refusal: null };
  return answer.kind === "refused" ? { ...act, state: "conflict", refusal: answer.refusal } : act;
}

export interface Outside {
  acts: () => Promise<Act[]>;
  update: (act: Act) => Promise<void>;
  end: (act: Act) => Promise<void>;
  send: (act: Act, step: Step) => Promise<Answer>;
  now_ms: () => number;
}

export type RunEnd = "empty" | "later" | "signed-out";

/** Sends what waits of one person, oldest first. `offset_ms`: platform's clock minus the phone's, just measured. */
export async function sendWaiting(outside: Outside, user_id: number, offset_ms: number): Promise<RunEnd> {
  for (const found of await outside.acts()) {
    if (found.owner.user_id !== user_id || found.state !== "waiting") continue;
    let act: Act | null = found;
    if (act.at === null) {
      const when = instantOf(act, offset_ms, outside.now_ms());
      if ("times" in when) {
        await outside.update({ ...act, state: "conflict", times: when.times, refusal: null });
        continue;
      }
      act = { ...act, at: when.at };
      await outside.update(act); // before anything is sent: a repeat must carry the same
    }
    while (act !== null && act.state === "waiting") {
      const step: Step | undefined = act.steps[act.done];
      if (step === undefined || act.at === null) break;
      const answer = await outside.send(act, filled(step, act.at));
      if (answer.kind === "later" || answer.kind === "signed-out") return answer.kind;
      const next: Act | null = after(act, answer);
      if (next === null) await outside.end(act);
      else await outside.update(next);
      act = next;
    }
  }
  return "empty";
}

/** A conflict that a person lets try again, by the instant that the person chose where the clock was the question. */
export function again(act: Act, at?: string): Act {
  return { ...act, state: "waiting", refusal: null, times: [], at: at ?? act.at };
}
