// SPDX-License-Identifier: Apache-2.0
// One way to the server. Same-origin, session cookie, problem details; every failure is a `Problem`.
import { Problem, problemOf } from "./problem";

type Query = Record<string, string | number | boolean | readonly string[] | null | undefined>;

interface Watch {
  /** The server answered (true) or could not be reached (false). */
  reached: (value: boolean) => void;
  /** The session that the page counted on is over. */
  sessionOver: () => void;
  /** Which session asks: what the server refused to one before says nothing about this one. */
  session?: () => number;
  /** Language the server shall answer in. */
  language: () => string;
  /** Something was changed: what was read before may tell of it no more. */
  changed?: () => void;
}

const watchers: Required<Watch> = { reached: () => undefined, sessionOver: () => undefined, session: () => 0, language: () => "zh", changed: () => undefined };
// What a person prefers or has before the eyes: no page tells another thing for it.
const CHANGES_NO_PAGE = ["/api/v1/session/preferences", "/api/v1/alarms/shown"];

/** The page tells here who wants to know about the connection. */
export function watchTransport(watch: Watch): void {
  Object.assign(watchers, watch);
}

/** Fills `{name}` in a path template and appends the query; empty query values are left out, a list stands once for each item. */
export function urlOf(template: string, path: Record<string, string | number> = {}, query: Query = {}): string {
  const filled = template.replace(/\{(\w+)\}/g, (_all, name: string) => {
    const value = path[name];
    if (value === undefined) throw new Error(`path value missing: ${name}`);
    return encodeURIComponent(String(value));
  });
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (Array.isArray(value)) for (const item of value) search.append(name, String(item));
    else if (value !== undefined && value !== null && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return text === "" ? filled : `${filled}?${text}`;
}

export interface Sending {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** JSON, or a form with files. */
  body?: unknown;
  signal?: AbortSignal | undefined;
  accept?: string;
  /** Revision that the change was made from; the server refuses it when somebody else was quicker. */
  ifMatch?: number | undefined;
}

/** Sends and returns the raw answer; throws `Problem`, or the abort of `signal`. */
export async function sendRaw(url: string, { method = "GET", body, signal, accept = "application/json", ifMatch }: Sending = {}): Promise<Response> {
  const headers = new Headers({ accept, "accept-language": watchers.language(), "x-openmains-request": "console" });
  const session = watchers.session();
  const form = body instanceof FormData; // the browser itself writes the boundary of a form
  if (body !== undefined && !form) headers.set("content-type", "application/json");
  if (ifMatch !== undefined) headers.set("if-match", `"${String(ifMatch)}"`);
  let answer: Response;
  try {
    answer = await fetch(url, {
      method,
      headers,
      credentials: "same-origin",
      body: body === undefined ? null : form ? body : JSON.stringify(body),
      signal: signal ?? null,
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    watchers.reached(false);
    throw new Problem(0, {});
  }
  watchers.reached(true);
  if (answer.ok) {
    if (method !== "GET" && !CHANGES_NO_PAGE.includes(url)) watchers.changed();
    return answer;
  }
  const problem = await problemOf(answer);
  if (problem.code === "sign-in-needed" && session === watchers.session()) watchers.sessionOver();
  throw problem;
}

/** Sends and reads JSON; an empty answer is `undefined`. */
export async function send<T>(url: string, sending: Sending = {}): Promise<T> {
  const answer = await sendRaw(url, sending);
  const text = await answer.text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

/** Send one file to an operation that takes one; the field's name is free, the server takes the first. */
export function sendFile<T>(url: string, file: File): Promise<T> {
  const body = new FormData();
  body.set("data", file);
  return send(url, { method: "POST", body });
}
