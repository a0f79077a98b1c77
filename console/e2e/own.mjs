// SPDX-License-Identifier: Apache-2.0
// What people make their own: views of lists, columns, numbers, drafts of forms; how they find pages, help, and what they may not open.
import assert from "node:assert/strict";
import { api, checkAccess, downloaded, openPage, until } from "./browser.mjs";

const say = (locale, zh, en) => (locale === "zh" ? zh : en);

export const ownStories = {
  async views({ browser, signedIn, page, url, context, locale, tag, findings }) {
    const name = `${say(locale, "夜间失联", "silent at night")} ${tag}`;
    await page.goto(`${url}/meters?status=active&sort=-number`);
    await page.locator("tbody tr").first().waitFor();
    await page.locator(".pick summary").click();
    await page.locator(".pick label").filter({ hasText: "IMSI" }).locator("input").check();
    await until(async () => /imsi/.test((await api(context, url, "GET", "/session")).body.preferences.columns.meters ?? ""), "columns are kept with the person");
    await page.locator(".pick summary").click();
    await page.locator(".views summary").click();
    await page.fill('input[name="view-name"]', name);
    await page.locator(".views select").selectOption("operator");
    await checkAccess(page, `views ${locale}`, findings);
    await page.locator('.views form button[type="submit"]').click();
    await page.locator(".views li").filter({ hasText: name }).waitFor();
    // In another browser of the same person the columns and the view are there; the view leads to the list as it was.
    const other = await openPage(browser, signedIn, locale);
    await other.page.goto(`${url}/meters`);
    await other.page.locator("thead th").filter({ hasText: "IMSI" }).waitFor();
    await other.page.locator(".views summary").click();
    await other.page.locator(".views li button").filter({ hasText: name }).click();
    await other.page.waitForURL((at) => at.searchParams.get("status") === "active" && at.searchParams.get("sort") === "-number");
    await other.page.locator(".views summary").click();
    await other.page.locator(".views li").filter({ hasText: name }).locator("button").last().click();
    await other.page.locator(".views li").filter({ hasText: name }).waitFor({ state: "detached" });
    await other.context.close();

    // The first page has the cards that the person wants, in every browser; what is put away is not asked for.
    await page.goto(url);
    await page.locator("main .big").first().waitFor();
    const areas = page.locator("main h2").filter({ hasText: say(locale, "各区域未抄", "Missing by area") });
    await areas.waitFor();
    await page.locator(".choice summary").click();
    await checkAccess(page, `cards ${locale}`, findings);
    for (const card of ["areas", "due"]) await page.locator(`.choice input[name="${card}"]`).uncheck();
    await areas.waitFor({ state: "detached" });
    await until(async () => (await api(context, url, "GET", "/session")).body.preferences.columns.home_hidden === "due,areas", "cards are kept with the person");
    const asked = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await page.reload();
    await page.locator("main .big").first().waitFor();
    assert.equal(await areas.count(), 0);
    assert.ok(!asked.some((path) => path.endsWith("/reports/collection")), asked.join(" "));
    await api(context, url, "PATCH", "/session/preferences", { columns: { meters: "", home_hidden: "" } });
  },

  async sorted({ browser, signedIn, page, url, context, locale, findings }) {
    const firstOf = async (sort) => (await api(context, url, "GET", `/accounts?limit=1&sort=${sort}`)).body.items[0].number;
    const numbers = (on = page) => on.locator("tbody tr td:first-child a").allInnerTexts();
    const shows = (first, on = page) => until(async () => (await numbers(on))[0] === first, `${first} comes first`);
    await api(context, url, "PATCH", "/session/preferences", { page_rows: 20, columns: { accounts: "", alarms: "" } });
    // The head sorts all accounts, not those of the page, and the next page goes on in that order.
    await page.goto(`${url}/accounts`);
    await page.locator("tbody tr").first().waitFor();
    await page.locator("button.sort").click();
    await page.locator('th[aria-sort="ascending"]').waitFor();
    await shows(await firstOf("number"));
    await page.locator("button.sort").click();
    await page.waitForURL(/sort=-number/);
    await shows(await firstOf("-number"));
    const before = await numbers();
    assert.deepEqual(before, before.toSorted().toReversed());
    await page.locator(".pager button").last().click();
    await page.waitForURL(/cursor=/);
    await until(async () => (await numbers())[0] < before.at(-1), "the next page goes on");
    // Columns are the person's, in this browser and in another; the order is in the address.
    const heads = (on) => on.locator("thead th").allInnerTexts();
    const [medium, opened] = [say(locale, "介质", "Medium"), say(locale, "开户时刻", "Opened at")];
    await page.locator(".pick summary").click();
    await checkAccess(page, `columns ${locale}`, findings);
    await page.locator(".pick label").filter({ hasText: medium }).locator("input").uncheck();
    await page.locator(".pick label").filter({ hasText: opened }).locator("input").check();
    await until(async () => /opened/.test((await api(context, url, "GET", "/session")).body.preferences.columns.accounts ?? ""), "columns are kept with the person");
    await page.goto(`${url}/accounts?sort=-number`);
    await page.reload();
    await shows(await firstOf("-number"));
    const other = await openPage(browser, signedIn, locale);
    await other.page.goto(`${url}/accounts`);
    await other.page.locator("tbody tr").first().waitFor();
    for (const on of [page, other.page]) {
      const shown = await heads(on);
      assert.ok(shown.includes(opened) && !shown.includes(medium), shown.join(" "));
    }
    await other.context.close();
    await page.setViewportSize({ width: 390, height: 844 }); // a card names its values by the same columns
    await until(async () => (await page.locator("tbody tr").first().locator("td").evaluateAll((cells) => cells.map((cell) => cell.getAttribute("data-label")))).includes(opened), "cards too");
    await page.setViewportSize({ width: 1440, height: 900 });
    // What is open is sorted by grade; what is over is not, and its head offers nothing that the server would refuse.
    const grades = say(locale, ["紧急", "重要", "次要", "提示"], ["Critical", "Major", "Minor", "Info"]);
    const severity = page.locator("thead th").filter({ hasText: say(locale, "级别", "Severity") });
    await page.goto(`${url}/alarms?status=open`);
    await severity.locator("button.sort").click();
    await page.waitForURL(/sort=severity/);
    await page.locator('th[aria-sort="ascending"]').waitFor();
    await page.reload();
    await page.locator("tbody tr").first().waitFor();
    const places = (await page.locator(".card:last-child tbody tr").evaluateAll((rows) => rows.map((row) => row.querySelector('[data-label="级别"], [data-label="Severity"]')?.textContent.trim() ?? ""))).map((text) => grades.indexOf(text));
    assert.ok(places.length > 0 && places.every((place, at) => place >= (places[at - 1] ?? 0)), places.join(" "));
    await page.goto(`${url}/alarms?status=cleared&sort=severity`);
    await page.locator("tbody tr").first().waitFor();
    assert.equal(await severity.locator("button").count(), 0);
    await api(context, url, "PATCH", "/session/preferences", { page_rows: null, columns: { accounts: "", alarms: "" } });
  },

  async bulk({ page, url, context, locale, findings }) {
    await page.goto(`${url}/meters?status=active`);
    await page.locator("tbody input[type=checkbox]").nth(1).waitFor();
    for (const place of [0, 1]) await page.locator("tbody input[type=checkbox]").nth(place).check();
    const numbers = await page.locator("tbody tr.chosen td a").allInnerTexts();
    await checkAccess(page, `bulk ${locale}`, findings);
    const file = await downloaded(page, () => page.locator('.bulk a[href*="kind=csv"]').click());
    const text = (await (await file.createReadStream()).toArray()).join("");
    assert.equal(text.trim().split(/\r?\n/).length, 3, "the two that are selected, and the heads");
    for (const number of numbers) assert.ok(text.includes(number));
    await page.locator(".bulk button").first().click(); // read now: asked first, with what it costs
    await page.locator("dialog[open]").getByText(say(locale, "电池", "battery")).first().waitFor();
    await page.locator('dialog[open] button[type="submit"]').click();
    await page.waitForURL(/\/batches\/\d+$/); // one batch, whose page tells how far it is
    for (const number of numbers) {
      const { body } = await api(context, url, "GET", `/meters?q=${number}&limit=1`);
      await until(async () => {
        const commands = (await api(context, url, "GET", `/commands?meter_id=${body.items[0].meter_id}&limit=50`)).body.items;
        return commands.some((command) => command.kind === "read_now");
      }, `a reading of ${number}`); // a batch goes in steps
    }
  },

  async palette({ page, url, locale, findings }) {
    await page.goto(`${url}/alarms`);
    await page.locator("h1").waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type(say(locale, "缺数", "gaps"));
    await page.locator("#search-hits .act").first().waitFor();
    await checkAccess(page, `palette ${locale}`, findings);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/gaps/);
    await page.locator("h1").waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type(say(locale, "深色", "dark"));
    await page.locator("#search-hits .act").first().waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.locator("html.dark").waitFor();
    // Help is that of the page, from the docs.
    await page.locator(`header button[aria-label="${say(locale, "本页说明", "About this page")}"]`).click();
    await page.locator("dialog[open] h2").getByText(say(locale, "缺数", "Gaps")).waitFor();
    await page.locator("dialog[open] p").first().waitFor();
    await checkAccess(page, `help ${locale}`, findings);
  },

  async profile({ page, url, context, locale, findings }) {
    await api(context, url, "PATCH", "/session/preferences", { numbers: "space", locale });
    await page.goto(`${url}/profile`);
    await page.locator("select").nth(1).selectOption("comma");
    await page.getByText("1,234,567.089 m³").waitFor();
    await checkAccess(page, `profile ${locale}`, findings);
    await page.goto(`${url}/meters?sort=-number`);
    await page.locator(".pager .place").filter({ hasText: /1,\d{3}/ }).waitFor(); // everywhere, after a reload too
    await page.goto(`${url}/profile`);
    await page.locator("select").first().selectOption(locale === "zh" ? "en" : "zh");
    await page.getByRole("heading", { level: 1 }).getByText(say(locale, "My settings", "个人设置")).waitFor();
    assert.equal((await api(context, url, "GET", "/session")).body.locale, locale === "zh" ? "en" : "zh");
    await api(context, url, "PATCH", "/session/preferences", { numbers: "space", locale: "zh" });
  },

  async drafts({ page, url, locale, tag, findings }) {
    const number = `DRAFT${tag}`;
    await page.goto(`${url}/meters`);
    await page.locator('a[href="/meters/new"]').click();
    await page.locator("form input").first().waitFor();
    const box = page.locator("form input:not([type=hidden])").first();
    await box.fill(number);
    await page.locator('nav a[href="/gaps"]').click();
    await page.waitForURL(/\/gaps/);
    await page.goBack();
    await page.waitForURL(/\/meters\/new/);
    await until(async () => (await page.locator("form input:not([type=hidden])").first().inputValue()) === number, "what was typed");
    await page.locator(".note").waitFor();
    await checkAccess(page, `draft ${locale}`, findings);
    await page.locator(".note button").click();
    await until(async () => (await page.locator("form input:not([type=hidden])").first().inputValue()) === "", "discarded");
  },

  async beside({ page, url, context, locale, findings }) {
    const { items } = (await api(context, url, "GET", "/meters?status=active&limit=2")).body;
    await page.goto(`${url}/meters/${items[0].meter_id}?tab=quantities&points=increments`);
    await page.locator(".el-tab-pane:visible canvas").waitFor();
    await page.fill('input[name="beside"]', items[1].number);
    await page.keyboard.press("Enter");
    await page.locator(".beside").filter({ hasText: items[1].number }).waitFor();
    await page.locator("thead th").filter({ hasText: items[1].number }).first().waitFor(); // its values stand in the table too
    await checkAccess(page, `beside ${locale}`, findings);
    await page.fill('input[name="beside"]', "no such number");
    await page.keyboard.press("Enter");
    await page.locator('[role="alert"]').filter({ hasText: "no such number" }).waitFor();
    const chart = await page.locator(".el-tab-pane:visible canvas").boundingBox();
    await until(async () => { // a click shows that day alone
      await page.mouse.click(chart.x + chart.width / 2, chart.y + chart.height * 0.5);
      const query = new URL(page.url()).searchParams;
      return query.get("from") !== null && query.get("from") === query.get("to");
    }, "a day of the chart");
  },

  async headings({ page, url, context, locale, tag, findings }) {
    const theirs = `${say(locale, "出厂编号", "serial")} ${tag}`;
    const { items } = (await api(context, url, "GET", "/meters?limit=1")).body;
    const day = "2026-01-02";
    const rows = [[say(locale, "表具编号", "meter no"), "product", "area", "installed on", theirs], [`HEAD${tag}${locale}`, items[0].product_code, items[0].area_code ?? "A01", day, `BC${tag}${locale}`]];
    const file = { name: `${tag}-${locale}-headings.csv`, mimeType: "text/csv", buffer: Buffer.from(rows.map((row) => row.join(",")).join("\n")) };
    await page.goto(`${url}/meters/import`);
    await page.setInputFiles('input[type="file"]', file);
    await page.locator("form.card").getByRole("button", { name: say(locale, "预览", "Preview"), exact: true }).click();
    await page.locator("article").filter({ hasText: file.name }).first().locator("tbody tr").first().waitFor();
    await page.reload(); // what nobody knows comes first
    await page.locator("details .row button").filter({ hasText: theirs }).click();
    await page.locator("details select").selectOption("bar_code");
    await checkAccess(page, `headings ${locale}`, findings);
    await page.getByRole("button", { name: say(locale, "对应并记住", "Remember it") }).click();
    await page.locator("details li").filter({ hasText: theirs }).waitFor();
    await page.setInputFiles('input[type="file"]', file);
    await page.locator('form button[type="submit"]').click();
    const made = await until(async () => (await api(context, url, "GET", `/meters?q=HEAD${tag}${locale}`)).body.items[0], "the meter of the file");
    assert.equal(made.bar_code, `BC${tag}${locale}`);
    await api(context, url, "DELETE", `/imports/headings?heading=${encodeURIComponent(theirs)}`);
  },

  async risky({ page, url, context, locale, tag, findings }) {
    const login = `risky-${tag}-${locale}`;
    const made = (await api(context, url, "POST", "/users", { login, name: "Risky", role: "viewer", reason: "e2e" })).body.user;
    const role = async () => (await api(context, url, "GET", "/users?limit=500")).body.items.find((user) => user.user_id === made.user_id)?.role;
    await page.goto(`${url}/users`);
    const row = page.locator("tbody tr").filter({ hasText: login });
    await row.locator("select").selectOption("administrator");
    const dialog = page.locator("dialog[open]");
    await dialog.waitFor(); // an administrator is made with a reason, and not by a click
    await checkAccess(page, `make administrator ${locale}`, findings);
    await dialog.locator('button[type="submit"]').click();
    assert.ok(await dialog.count(), "without a reason nothing is done");
    assert.equal(await role(), "viewer");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    assert.equal(await row.locator("select").inputValue(), "viewer", "what holds is shown");
    for (const name of [say(locale, "重置密码", "Reset password"), say(locale, "删除", "Remove")]) {
      await row.getByRole("button", { name, exact: true }).click();
      await dialog.waitFor();
      await dialog.locator("textarea").fill(`e2e ${name}`);
      await dialog.locator('button[type="submit"]').click();
      await dialog.waitFor({ state: "detached" });
    }
    await until(async () => (await role()) === undefined, "removed, with a reason");
  },
};
