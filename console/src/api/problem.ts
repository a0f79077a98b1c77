// SPDX-License-Identifier: Apache-2.0
// What went wrong with a call, as RFC 9457 problem details or as a lost connection. Every failure of `send` is one of these.

export interface ProblemBody {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  [extra: string]: unknown;
}

export class Problem extends Error {
  override readonly name = "Problem";

  /** `status` 0: the server was not reached at all. */
  constructor(
    readonly status: number,
    readonly body: ProblemBody,
  ) {
    super(body.detail ?? body.title ?? `HTTP ${String(status)}`);
  }

  /** The short name at the end of the problem's type, for decisions in code; '' when it has none. */
  get code(): string {
    return (this.body.type ?? "").split(/[/:#]/).pop() ?? "";
  }

  get isLostConnection(): boolean {
    return this.status === 0;
  }

  get isSessionOver(): boolean {
    return this.status === 401;
  }
}

/** Reads a failed answer; bodies that are not problem details still become one. */
export async function problemOf(answer: Response): Promise<Problem> {
  const kind = answer.headers.get("content-type") ?? "";
  if (kind.includes("json")) {
    try {
      return new Problem(answer.status, (await answer.json()) as ProblemBody);
    } catch {
      // falls through: a broken body is no better than none
    }
  }
  return new Problem(answer.status, { title: answer.statusText });
}
