// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { passwordFault } from "./passwordRules";

describe("new password", () => {
  it("is long enough, new, and typed twice alike", () => {
    expect(passwordFault("old-password", "short", "short")).toBe("tooShort");
    expect(passwordFault("old-password", "old-password", "old-password")).toBe("same");
    expect(passwordFault("old-password", "new-password", "new-passwort")).toBe("different");
    expect(passwordFault("old-password", "new-password", "new-password")).toBeNull();
  });
  it("counts characters, not UTF-16 units", () => {
    expect(passwordFault("", "😀😀😀😀😀", "😀😀😀😀😀")).toBe("tooShort");
  });
});
