// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { messagesOf, type Words } from "./bilingual";

describe("words", () => {
  it("are taken apart by language", () => {
    const words = { alarm: { title: ["告警", "Alarms"], statuses: { open: ["未确认", "Open"] } } } satisfies Words;
    expect(messagesOf(words, "zh")).toEqual({ alarm: { title: "告警", statuses: { open: "未确认" } } });
    expect(messagesOf(words, "en")).toEqual({ alarm: { title: "Alarms", statuses: { open: "Open" } } });
  });
  it("do not compile in one language only", () => {
    // @ts-expect-error the English text is missing
    const half = { title: ["告警"] } satisfies Words;
    // @ts-expect-error a text is a pair
    const plain = { title: "告警" } satisfies Words;
    expect([half, plain]).toHaveLength(2);
  });
});
