// SPDX-License-Identifier: Apache-2.0
// An account of another system: made, bound to a meter, its secret shown once; what the system then sees, and what it sees once it is revoked.
import assert from "node:assert/strict";
import { act, api, checkAccess } from "./browser.mjs";

const say = (locale, zh, en) => (locale === "zh" ? zh : en);

/** What the other system is answered, by its access token. */
async function ask(context, url, path, token) {
  const answer = await context.request.get(`${url}/api/v1${path}`, { headers: { Authorization: `Bearer ${token}` } });
  return { status: answer.status(), body: await answer.json() };
}

export const applicationStories = {
  async applications({ browser, page, url, context, locale, tag, findings }) {
    const name = `${say(locale, "调度系统", "dispatch")} ${tag}`;
    const [mine, other] = (await api(context, url, "GET", "/meters?status=active&limit=2")).body.items;
    await page.goto(`${url}/applications/new`);
    await page.fill('input[name="name"]', name);
    for (const scope of ["see_meters", "see_readings", "see_places", "see_sums"]) await page.locator(`input[name="scope"][value="${scope}"]`).check();
    await page.fill('textarea[name="meters"]', mine.number);
    await checkAccess(page, `application ${locale}`, findings);
    await page.locator('form button[type="submit"]').click();
    await page.locator("dialog[open]").waitFor();
    await checkAccess(page, `make an application ${locale}`, findings);
    await act(page, `e2e ${tag}`);
    const secret = await page.locator('[role="status"] code').innerText();
    await page.goto(`${url}/applications`);
    const row = page.locator("tbody tr").filter({ hasText: name });
    await row.waitFor();
    const client = await row.locator("code").innerText();
    assert.ok(!(await page.locator("main").innerText()).includes(secret), "the secret is shown once");

    // The other system: it finds, lists and adds up its meter, and no other one.
    const system = await browser.newContext();
    const form = { grant_type: "client_credentials", client_id: client, client_secret: secret };
    const signed = await system.request.post(`${url}/api/v1/oauth/token`, { form });
    assert.equal(signed.status(), 200);
    const token = (await signed.json()).access_token;
    const numbers = async (path) => (await ask(system, url, path, token)).body.items.map((one) => one.number);
    assert.deepEqual(await numbers("/meters"), [mine.number]);
    assert.deepEqual(await numbers(`/meters?q=${mine.number}`), [mine.number]);
    assert.deepEqual(await numbers(`/meters?q=${other.number}`), []);
    const day = new Date(Date.now() - 3 * 86_400_000).toISOString().slice(0, 10);
    const sums = await ask(system, url, `/areas/${mine.area_id}/volumes?first=${day}&last=${day}`, token);
    assert.equal(sums.status, 200);
    for (const sum of sums.body.items) assert.ok(sum.meters <= 1, "the volumes of its meter, not of the area");
    const refused = await ask(system, url, "/reports/collection", token);
    assert.match(refused.body.type, /bound-to-devices$/);

    // Revoked: at once, for the token it has as well.
    await page.reload();
    await row.getByRole("button", { name: say(locale, "停用", "Revoke"), exact: true }).click();
    await act(page, `e2e ${tag} ends`);
    await row.getByText(say(locale, "已停用", "Revoked")).waitFor();
    assert.equal((await ask(system, url, "/meters", token)).status, 401);
    await system.close();
  },
};
