// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { nextOf, STEPS } from "./firstSteps";

const none = { areas: false, products: false, meters: false, keys: false, heard: false, people: false };

it("leads on from what is not there yet, whatever was done besides", () => {
  expect(nextOf(none)).toBe("areas");
  expect(nextOf({ ...none, areas: true, meters: true })).toBe("products");
  expect(nextOf({ ...none, areas: true, products: true, meters: true, keys: true })).toBe("heard");
  expect(nextOf({ areas: true, products: true, meters: true, keys: true, heard: true, people: true })).toBeNull();
});
it("has every step that the server tells", () => {
  expect(STEPS.map((step) => step.name).sort()).toEqual(Object.keys(none).sort());
});
