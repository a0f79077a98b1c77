// SPDX-License-Identifier: Apache-2.0
import { expect, it, vi } from "vitest";
import { paletteOf } from "./paletteOf";

const frame = (role: "viewer" | "administrator") => {
  const go = vi.fn();
  return { go, entries: paletteOf({ t: (key) => key, may: (needed) => role === "administrator" || needed === "see_meters", go, setLocale: vi.fn(), setTheme: vi.fn(), leave: vi.fn() }) };
};

it("has the pages that the person may open, by both titles, and the acts of the frame", () => {
  const { go, entries } = frame("administrator");
  const users = entries.find((entry) => entry.key === "page users");
  expect(users?.also).toBe("用户与角色\nUsers and roles");
  users?.run();
  expect(go).toHaveBeenCalledWith("users");
  expect(entries.map((entry) => entry.key)).toEqual(expect.arrayContaining(["page meter-import", "page command-stop", "act frame.signOut"]));
  expect(entries.some((entry) => entry.key === "page meter" || entry.key === "page sign-in")).toBe(false); // no page needs a number one does not have
});
it("leads nobody where the role does not go", () => {
  expect(frame("viewer").entries.some((entry) => ["page users", "page meter-import"].includes(entry.key))).toBe(false);
});
