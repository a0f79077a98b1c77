// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { Problem } from "@/api/problem";
import { answerOf } from "./contact";

const problem = (status: number, code: string, more: object = {}): Problem => new Problem(status, { type: `/api/v1/problems/${code}`, title: "T", detail: "D", ...more });

describe("an answer", () => {
  it("lets the act wait where nobody answered, or not now", () => {
    for (const later of [problem(0, ""), problem(500, "internal"), problem(503, "engine-away"), problem(429, "too-many-requests"), problem(408, ""), problem(403, "change-password-first")]) {
      expect(answerOf(later).kind, String(later.status)).toBe("later");
    }
    expect(answerOf(new DOMException("", "TimeoutError")).kind).toBe("later");
    expect(answerOf(problem(401, "sign-in-needed")).kind).toBe("signed-out");
  });
  it("is a conflict with the platform's words, and with each field that is wrong", () => {
    expect(answerOf(problem(409, "reading-differs"))).toEqual({ kind: "refused", refusal: { code: "reading-differs", title: "T", detail: "D" } });
    const told = answerOf(problem(400, "invalid-input", { errors: [{ pointer: "/register_m3", detail: "beyond the dial" }] }));
    expect(told).toMatchObject({ refusal: { detail: "D\n/register_m3 beyond the dial" } });
    expect(answerOf(problem(403, "not-allowed")).kind, "another role is a person's business").toBe("refused");
  });
  it("is no answer where our own code failed", () => {
    expect(() => answerOf(new TypeError("x"))).toThrow(TypeError);
  });
});
