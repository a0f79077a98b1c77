// SPDX-License-Identifier: Apache-2.0
// Meters as a clerk finds, reads, registers and imports them; what their drivers understand.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { api, checkAccess, downloaded, toast, until } from "./browser.mjs";

export const registryStories = {
  async meter({ page, url, context, locale, findings }) {
    const { body } = await api(context, url, "GET", "/meters?limit=1");
    const at = `${url}/meters/${body.items[0].meter_id}`;
    await page.goto(at);
    await page.getByRole("tab").first().waitFor();
    await checkAccess(page, `meter ${locale}`, findings);
    await page.goto(`${at}?tab=readings`);
    await page.locator("canvas").waitFor();
    await page.locator(".el-tab-pane:visible .row select").selectOption("slot");
    await page.waitForURL(/step=slot/);
    await page.locator(".el-tab-pane:visible .el-checkbox").click();
    await page.waitForURL(/compare=year/);
    await page.locator(".el-tab-pane:visible tbody tr").nth(47).waitFor();
    await checkAccess(page, `readings ${locale}`, findings);
    await page.goto(`${at}?tab=signal`);
    await page.locator("canvas").nth(2).waitFor();
    await checkAccess(page, `signal ${locale}`, findings);
    await page.goto(`${at}?tab=frames&direction=up`);
    await page.locator(".el-tab-pane:visible button.open").first().click();
    await page.locator("button.copy").first().waitFor();
    assert.ok((await page.locator("tr:has(button.copy)").count()) > 10, "the frame is told field by field");
    await checkAccess(page, `frames ${locale}`, findings);
    await page.locator("button.copy").first().click();
    await toast(page).waitFor();
    for (const tab of ["alarms", "exceptions"]) {
      await page.goto(`${at}?tab=${tab}`);
      await page.locator(".el-tab-pane:visible .card").first().waitFor();
    }
  },

  async meters({ page, url, context, locale, findings }) {
    await api(context, url, "PATCH", "/session/preferences", { columns: { meters: "" } });
    await page.goto(`${url}/meters`);
    await page.locator("tbody tr").first().waitFor();
    await checkAccess(page, `meters ${locale}`, findings);
    const first = await page.locator("tbody td a").first().innerText();
    await page.locator("button.sort").click();
    await page.waitForURL(/sort=-number/);
    await page.locator('th[aria-sort="descending"]').waitFor();
    await until(async () => (await page.locator("tbody td a").first().innerText()) > first, "the other order");
    await page.locator(".pager button").last().click();
    await page.waitForURL(/cursor=/);
    await page.locator("details.pick summary").click();
    const heads = await page.locator("thead th").count();
    await page.locator("details.pick input").first().click();
    await until(async () => (await page.locator("thead th").count()) === heads - 1, "one column less");
    await page.reload(); // the choice is in the address
    await page.locator("tbody tr").first().waitFor();
    assert.equal(await page.locator("thead th").count(), heads - 1);
    const file = await downloaded(page, () => page.locator('a[href*="kind=csv"]').click());
    const lines = readFileSync(await file.path(), "utf8").trim().split("\n");
    assert.ok(lines.length >= 1000, `${String(lines.length)} lines`);
    assert.equal(lines[0].split(",").length, heads - 2); // without the boxes that select
    await api(context, url, "PATCH", "/session/preferences", { columns: { meters: "" } });
  },

  async register({ page, url, locale, tag, findings }) {
    const number = `E2E${tag}${locale}`;
    await page.goto(`${url}/meters/new`);
    await page.fill('input[name="number"]', number);
    await page.locator("form select").nth(0).selectOption({ index: 1 });
    await page.locator("form select").nth(1).selectOption({ index: 1 });
    await page.fill('input[name="imei"]', "123");
    await checkAccess(page, `meter form ${locale}`, findings);
    await page.locator('form button[type="submit"]').click();
    await page.locator(".el-form-item__error").waitFor(); // the server's words beside the field
    await page.fill('input[name="imei"]', "");
    await page.fill('input[name="address"]', `${tag} road 1`);
    await page.locator('form button[type="submit"]').click();
    await page.waitForURL(/\/meters\/\d+$/);
    await page.getByRole("heading", { level: 1, name: number }).waitFor();
    await page.locator('a[href$="/edit"]').click();
    await page.fill('input[name="address"]', `${tag} road 2`);
    await page.locator('form button[type="submit"]').click();
    await page.getByText(`${tag} road 2`).first().waitFor();
  },

  async importing({ page, url, locale, tag, findings }) {
    await page.goto(`${url}/meters/import`);
    const rows = ["number,product,area,installed on", `IMP${tag}${locale},LXS-15-NB,A01,2026-01-01`, `IMP${tag}${locale}b,NOPE,A01,2026-01-01`];
    await page.setInputFiles('input[type="file"]', { name: `${tag}-${locale}.csv`, mimeType: "text/csv", buffer: Buffer.from(rows.join("\n")) });
    await page.locator('form button[type="submit"]').click();
    const job = page.locator("article").filter({ hasText: `${tag}-${locale}.csv` }).first();
    await job.locator("a[download]").waitFor();
    await checkAccess(page, `import ${locale}`, findings);
    const file = await downloaded(page, () => job.locator("a[download]").click());
    assert.match(readFileSync(await file.path(), "utf8"), /NOPE/);
  },

  async filters({ page, url, context, locale, findings }) {
    const { body } = await api(context, url, "GET", "/meters?limit=1&status=active");
    const { customer_code: account, customer_name: name, address, area_id: area, area_name: areaName, number, medium } = body.items[0];
    await page.goto(`${url}/meters?area=${area}&q=${encodeURIComponent(`${name} ${address.slice(0, 4)}`)}`);
    await page.locator("tbody tr").filter({ hasText: number }).first().waitFor();
    const chips = page.locator(".chip");
    assert.equal(await chips.count(), 2, "what narrows the list is seen");
    assert.match(await chips.nth(1).innerText(), new RegExp(areaName.slice(0, 2)));
    await checkAccess(page, `filters ${locale}`, findings);
    await chips.first().getByRole("button").click();
    await page.waitForURL((at) => at.searchParams.get("q") === null && at.searchParams.get("area") === String(area));
    await page.goto(`${url}/meters?area=${area}&status=active`);
    await page.locator(".chips .all").click();
    await page.waitForURL((at) => at.pathname === "/meters" && at.search === "");
    // The account number finds the household, and a hit says gas or water.
    await page.keyboard.press("/");
    await page.keyboard.type(account);
    const hit = page.locator("#search-hits li").filter({ hasText: number });
    await hit.waitFor();
    assert.equal(await hit.locator(`.medium.${medium}`).count(), 1);
    assert.ok((await hit.innerText()).includes(account));
  },

  async search({ page, url, context, locale, findings }) {
    const { body } = await api(context, url, "GET", "/meters?limit=1");
    const { address } = body.items[0];
    await page.goto(`${url}/alarms`);
    await page.locator("h1").waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type(address.slice(0, Math.max(3, Math.ceil(address.length / 2))));
    await page.locator("#search-hits li strong").first().waitFor();
    await checkAccess(page, `search ${locale}`, findings);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/meters\/\d+/);
  },

  async drivers({ page, url, locale, findings }) {
    await page.goto(`${url}/products`);
    await page.locator("tbody tr").first().waitFor();
    await checkAccess(page, `products ${locale}`, findings);
    await page.locator('a[href="/drivers/openmains/water-1"]').first().click();
    await page.locator("article button").first().click();
    await page.locator('form.stack button[type="submit"]').click();
    await page.locator('strong.good[role="status"]').waitFor();
    const hex = await page.locator("textarea").inputValue();
    const last = hex.slice(-2);
    await page.fill("textarea", hex.slice(0, -2) + (last === "00" ? "01" : "00"));
    await page.locator('form.stack button[type="submit"]').click();
    await page.locator('strong.critical[role="status"]').getByText(String(hex.replace(/\s/g, "").length / 2 - 2)).waitFor();
    await page.locator("tr.critical").waitFor(); // the very field is marked
    await checkAccess(page, `driver ${locale}`, findings);
  },
};
