// SPDX-License-Identifier: Apache-2.0
import { beforeEach, expect, it, vi } from "vitest";
import { effectScope, nextTick, reactive, ref } from "vue";
import type { Me } from "@/api/types";
import { forgetDrafts, typedSince, useDraft, type Draft } from "./draft";
import { setSession } from "./session";

vi.mock("vue-router", () => ({ useRoute: () => ({ path: "/meters/new" }) }));

const person = (id: number): Me => ({ user_id: id, login: "l", name: "n", role: "operator", permissions: [], locale: "zh", zone: "Asia/Shanghai", kind: "session", must_change: false, preferences: { numbers: "space", page_rows: null, columns: {} }, places: [], media: [], products: [] });

/** A page with a form that is opened, typed into and left. */
function visit<Form extends object>(form: Form, use: (form: Form, draft: Draft) => void, isFilled?: () => boolean): Draft {
  const scope = effectScope();
  const draft = scope.run(() => useDraft(form, isFilled)) as Draft;
  use(form, draft);
  scope.stop();
  return draft;
}

beforeEach(() => {
  forgetDrafts();
  setSession(person(1));
});

it("is there again for the person who typed it, for nobody else, and gone once it was sent", () => {
  visit(reactive({ number: "", area: "" }), (form) => { form.number = "A-1"; });
  setSession(person(2));
  visit(reactive({ number: "", area: "" }), (form, draft) => { expect([form.number, draft.isRestored.value]).toEqual(["", false]); });
  setSession(person(1));
  visit(reactive({ number: "", area: "" }), (form, draft) => {
    expect([form.number, draft.isRestored.value]).toEqual(["A-1", true]);
    draft.done();
  });
  visit(reactive({ number: "", area: "" }), (form, draft) => { expect([form.number, draft.isRestored.value]).toEqual(["", false]); });
});

it("outlives a session that ends while the page is open", () => {
  visit(reactive({ number: "" }), (form) => {
    form.number = "A-2";
    setSession(null);
  });
  setSession(person(1));
  visit(reactive({ number: "" }), (form) => { expect(form.number).toBe("A-2"); });
});

it("can be discarded, and nothing is kept of a form that nobody typed into", () => {
  visit(reactive({ number: "" }), (form) => { form.number = "A-3"; });
  visit(reactive({ number: "" }), (form, draft) => {
    draft.discard();
    expect([form.number, draft.isRestored.value]).toEqual(["", false]);
  });
  visit(reactive({ number: "" }), (_form, draft) => { expect(draft.isRestored.value).toBe(false); });
});

it("of a record keeps what was typed, and leaves what others changed meanwhile", async () => {
  visit(reactive({ name: "old", address: "street 1" }), (form) => { form.name = "typed"; });
  const form = reactive({ name: "", address: "" });
  const isFilled = ref(false);
  const scope = effectScope();
  const draft = scope.run(() => useDraft(form, () => isFilled.value)) as Draft;
  Object.assign(form, { name: "old", address: "street 2" });
  isFilled.value = true;
  await nextTick();
  await nextTick();
  expect([form.name, form.address, draft.isRestored.value]).toEqual(["typed", "street 2", true]);
  scope.stop();
});

it("stands over what others changed while it is open, and takes nothing of theirs back later", () => {
  visit(reactive({ name: "old", address: "street 1" }), (form, draft) => {
    form.name = "typed";
    expect(draft.refill(() => Object.assign(form, { name: "old", address: "street 2" }))).toBe(true);
    expect([form.name, form.address]).toEqual(["typed", "street 2"]);
  });
  visit(reactive({ name: "old", address: "street 3" }), (form) => { expect([form.name, form.address]).toEqual(["typed", "street 3"]); });
});

it("tells what differs, of lists and records too", () => {
  expect(typedSince({ a: 1, b: [1, 2], c: { d: 1 } }, { a: 1, b: [1, 3], c: { d: 1 } })).toEqual({ b: [1, 3] });
});
