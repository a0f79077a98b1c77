// SPDX-License-Identifier: Apache-2.0
// People whom the walk needs beside the first administrator: made as an administrator makes them, with a first password that they change.
import assert from "node:assert/strict";
import { api } from "./browser.mjs";

/** Somebody new, signed in; `maker`: the context of the administrator who makes them. */
export async function newPerson(browser, maker, url, login, role) {
  const made = await api(maker, url, "POST", "/users", { login, name: login, role, reason: "e2e" });
  assert.equal(made.status, 201);
  const context = await browser.newContext();
  const password = `e2e walk ${login}`;
  assert.equal((await api(context, url, "POST", "/session", { login, password: made.body.password })).status, 201);
  assert.equal((await api(context, url, "POST", "/session/password", { current: made.body.password, new: password, keep_tokens: false })).status, 204);
  return { context, password };
}
