// SPDX-License-Identifier: Apache-2.0
// What people do here, each told once and walked in both languages. A story asserts what a person would see.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { alarmLifeStory } from "./alarms.mjs";
import { api, checkAccess, openPage, until } from "./browser.mjs";
import { chargingStory } from "./charging.mjs";
import { installerStory, readerStory } from "./field.mjs";
import { commandStory } from "./commands.mjs";
import { keyStories } from "./keys.mjs";
import { alarmOf, ownMeter, say } from "./meter.mjs";
import { operatorStories } from "./operator.mjs";
import { ownStories } from "./own.mjs";

const CJK = /[\u4e00-\u9fff]/;
const toast = (page) => page.locator(".el-message").last();

/** Gives the reason that a risky act asks for, and does it. */
async function act(page, reason) {
  const dialog = page.locator("dialog[open]");
  await dialog.locator("textarea").fill(reason);
  await dialog.locator('button[type="submit"]').click();
  await dialog.waitFor({ state: "detached" });
}

/** `walk`: url, browser, signedIn, locale, page, context, findings, coapPort, tag (a word of its own for this run). */
export const STORIES = {
  commands: commandStory,
  charging: chargingStory,
  reader: readerStory,
  installer: installerStory,
  ...operatorStories,
  ...ownStories,

  async home({ page, url, locale, findings }) {
    await page.goto(url);
    await page.getByRole("heading", { level: 1 }).waitFor();
    assert.equal(CJK.test(await page.getByRole("navigation").innerText()), locale === "zh");
    for (const place of [0, 1]) await page.locator(".big").nth(place).getByText(/^\d+\.\d\d%/).waitFor();
    await page.locator("canvas").first().waitFor();
    // Volumes of gas and of water stand apart, meters are counted by how they stand, and work leads to where it is done.
    await until(async () => (await page.locator(".big small").filter({ hasText: "m³" }).count()) === 2, "volumes of both media");
    const active = await page.locator('a[href="/meters?status=active"]').locator("xpath=ancestor::tr").locator("td").allInnerTexts();
    assert.ok(active.length === 2 && active.every((text) => Number(text.replace(/\D/g, "")) > 0), active.join());
    await page.locator('main a[href="/exceptions"]').first().waitFor();
    assert.match(await page.locator('nav a[href="/exceptions"] .badge').innerText(), /\d/);
    await checkAccess(page, `home ${locale}`, findings);
    for (const width of [1024, 390]) {
      await page.setViewportSize({ width, height: 800 });
      await until(async () => (await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `home within ${String(width)} px`); // charts follow a moment later
      await checkAccess(page, `home ${String(width)} ${locale}`, findings);
    }
    // The engines are the platform's: their page names them in an operator's words, and tells what comes in live.
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.goto(`${url}/system`);
    await until(() => page.locator(".big").first().innerText().then((text) => Number.parseFloat(text) > 0), "a live message");
    assert.doesNotMatch(await page.locator("main").innerText(), /postgresql|clickhouse|jetstream/i);
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
    const download = page.waitForEvent("download");
    await page.locator('a[href*="kind=csv"]').click();
    const lines = readFileSync(await (await download).path(), "utf8").trim().split("\n");
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
    await job.locator("a[download]").waitFor({ timeout: 30_000 });
    await checkAccess(page, `import ${locale}`, findings);
    const download = page.waitForEvent("download");
    await job.locator("a[download]").click();
    assert.match(readFileSync(await (await download).path(), "utf8"), /NOPE/);
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

  async report({ page, url, locale, findings }) {
    const day = new Date(Date.now() + 8 * 3_600_000 - 2 * 86_400_000).toISOString().slice(0, 10); // soon after midnight much of yesterday is not due yet
    await page.goto(`${url}/report?day=${day}`);
    await page.locator("tr.total").waitFor();
    await page.locator("tbody th a").first().click(); // area → its meters
    await page.waitForURL(/key=/);
    await page.locator("#missing tbody a").first().waitFor();
    await checkAccess(page, `report ${locale}`, findings);
    const xlsx = page.waitForEvent("download");
    await page.locator('a[href*=".xlsx"]').click();
    assert.match((await xlsx).suggestedFilename(), /\.xlsx$/);
    await page.locator("#missing tbody a").first().click();
    await page.waitForURL(/\/meters\/\d+/);
    await page.goto(`${url}/gaps`);
    await page.locator("tbody tr").nth(3).waitFor();
    await checkAccess(page, `gaps ${locale}`, findings);
  },

  async judge({ page, url, context, locale, findings }) {
    await page.goto(`${url}/exceptions`);
    await page.locator("tbody tr").first().waitFor();
    await checkAccess(page, `exceptions ${locale}`, findings);
    // A finding of a day that is over (the newest ones may be of a day that still comes in), and half an hour of it with so little
    // use that one person may set another value: most findings are spikes, whole days of which need a second one.
    const { body } = await api(context, url, "GET", "/exceptions?status=open&limit=500");
    let finding = null;
    let slot = -1;
    for (const item of body.items.toSorted((one, other) => one.day.localeCompare(other.day))) {
      const day = await api(context, url, "GET", `/meters/${item.meter_id}/readings?step=slot&from=${item.day}T00:00:00%2B08:00&to=${item.day}T23:59:59%2B08:00`);
      if (day.status !== 200 || day.body.quality.edited_s !== 0 || day.body.quality.missing_s !== 0) continue;
      slot = day.body.points.findIndex((point) => Number(point.volume_m3) < 0.1);
      if (slot >= 0) {
        finding = item;
        break;
      }
    }
    assert.ok(finding, "a finding of an ordinary day");
    await page.goto(`${url}/meters/${finding.meter_id}?tab=exceptions`);
    const row = page.locator(".el-tab-pane:visible tbody tr").filter({ has: page.locator(".choices"), hasText: finding.day }).last();
    await row.locator(".choices button").last().click();
    await page.locator("form.edit select").first().waitFor();
    await checkAccess(page, `edit ${locale}`, findings);
    await page.locator("form.edit select").first().selectOption({ index: slot });
    await page.locator("form.edit select").last().selectOption({ index: 0 });
    await page.locator("form.edit .volume input").fill("x");
    await page.locator('form.edit button[type="submit"]').click();
    await page.locator('form.edit [role="alert"]').waitFor();
    await page.locator("form.edit .volume input").fill("0.048");
    await page.locator("form.edit .reason input").fill("photo of the dial");
    await page.locator('form.edit button[type="submit"]').click();
    await page.locator(".el-message--success").waitFor();
    // The edit travels through the stream; then the day holds it.
    const days = await until(async () => {
      const series = await api(context, url, "GET", `/meters/${finding.meter_id}/readings?step=day&from=2026-01-01T00:00:00Z&to=2036-01-01T00:00:00Z`);
      return series.body?.points.filter((point) => point.edited_s > 0).length ? series.body.points.filter((point) => point.edited_s > 0) : null;
    }, "the edited day").catch(async () => {
      throw new Error("the edited day did not come");
    });
    assert.ok(days.length > 0);
    const { body: trail } = await api(context, url, "GET", "/audit?limit=5");
    assert.ok(trail.items.some((entry) => entry.action === "edit_reading"), "the edit is in the trail");

    // Its versions, then the way back as a new version.
    await page.goto(`${url}/meters/${finding.meter_id}?tab=readings&from=${finding.day}&to=${finding.day}&step=day&history=${finding.day}`);
    await page.locator(".versions tbody tr").nth(1).waitFor(); // what the edit took the place of
    await checkAccess(page, `versions ${locale}`, findings);
    await page.goto(`${url}/edits`);
    const mine = page.locator("tbody tr", { hasText: "photo of the dial" }).first();
    await mine.getByRole("button").last().click();
    await checkAccess(page, `edits ${locale}`, findings);
    await mine.locator("form .reason input").fill("wrong meter");
    await mine.locator('form button[type="submit"]').click();
    await page.locator(".el-message--success").waitFor();
    const undone = await api(context, url, "GET", `/edits?meter_id=${finding.meter_id}&limit=1`);
    assert.deepEqual([undone.body.items[0].reason, undone.body.items[0].state], ["wrong meter", "applied"]);
  },

  async alarms({ page, url, context, locale, coapPort, tag, findings }) {
    await page.goto(`${url}/alarms`);
    await page.locator("h1").waitFor();
    const mine = await ownMeter(context, url, `91${tag}${locale === "zh" ? "1" : "2"}`);
    const sent = alarmOf(mine.number, "magnetic");
    await until(async () => (await say(coapPort, mine.imei, sent)) === "2.04", "the edge knows the new meter");
    const row = page.locator("tbody tr").filter({ hasText: mine.number }).first();
    await row.waitFor({ timeout: 20_000 }); // R7.1, without touching the page
    await checkAccess(page, `alarms ${locale}`, findings);
    // Somebody else is quicker: the problem's own words come as a toast.
    const raised = (await api(context, url, "GET", `/alarms?status=open&meter_id=${mine.meter_id}`)).body.items[0];
    assert.equal((await api(context, url, "POST", `/alarms/${raised.alarm_id}/acknowledge`)).status, 200);
    await row.getByRole("button").first().click();
    const said = await toast(page).innerText();
    assert.equal(CJK.test(said), locale === "zh", said);
    // Acknowledged is not over: it stays in the list of those not cleared, and in the figures.
    await page.goto(`${url}/alarms?meter=${mine.meter_id}`);
    const again = page.locator("tbody tr").filter({ hasText: mine.number }).first();
    await again.waitFor();
    assert.match(await page.locator('main [role="status"]').first().innerText(), /^\D*1\D+0\D*$/);
    await again.getByRole("button").last().click();
    await checkAccess(page, `clear ${locale}`, findings);
    await act(page, "looked at the site");
    await again.waitFor({ state: "detached" });
    const { body: trail } = await api(context, url, "GET", "/audit?object_type=alarm&limit=1");
    assert.deepEqual([trail.items[0].action, trail.items[0].reason, trail.items[0].object_name], ["clear_alarm", "looked at the site", mine.number]);
  },

  alarmLife: (walk) => alarmLifeStory(walk, ownMeter, act),

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

  async acts({ page, url, context, locale, findings }) {
    await page.goto(`${url}/terminals`);
    const policy = page.locator(".card.row select");
    await policy.waitFor();
    const before = (await api(context, url, "GET", "/access-policy")).body.on_sim_separated;
    await policy.selectOption("block");
    await page.locator("dialog[open] textarea").waitFor();
    await checkAccess(page, `policy ${locale}`, findings);
    assert.equal((await api(context, url, "GET", "/access-policy")).body.on_sim_separated, before, "asked first");
    await page.keyboard.press("Escape");
    await page.locator("dialog[open]").waitFor({ state: "detached" });
    assert.equal(await policy.inputValue(), before, "what holds is shown");
    assert.equal((await api(context, url, "PUT", "/access-policy", { on_sim_separated: "block" })).status, 400);
  },

  async system({ page, url, context, locale, coapPort, tag, findings }) {
    const mine = await ownMeter(context, url, `92${tag}${locale === "zh" ? "1" : "2"}`);
    const newest = async () => (await api(context, url, "GET", `/dead-letters?status=open&meter_id=${mine.meter_id}`)).body.items[0]?.dead_letter_id ?? 0;
    const before = await newest();
    const broken = alarmOf(mine.number, "magnetic");
    broken[broken.length - 1] ^= 1; // the check sum is wrong
    await until(async () => (await say(coapPort, mine.imei, broken)) === "4.00", "the edge knows the new meter");
    const letter = await until(async () => ((await newest()) > before ? newest() : 0), "the dead letter");
    await page.goto(`${url}/system`);
    await page.locator('th[data-process="core"]').waitFor();
    const row = page.locator("tbody tr").filter({ has: page.locator(`a[href="/meters/${mine.meter_id}"]`) }).first();
    await row.locator("mark").waitFor(); // the byte that is wrong
    await checkAccess(page, `system ${locale}`, findings);
    await row.getByRole("button").first().click();
    await page.locator(".el-message--success").waitFor();
    await until(async () => (await newest()) > letter, "the replayed letter, dead again");
  },

  async people({ browser, page, url, locale, tag, findings }) {
    const login = `viewer-${tag}-${locale}`;
    await page.goto(`${url}/users`);
    await page.locator("form input").nth(0).fill(login);
    await page.locator("form input").nth(1).fill("E2E");
    await page.locator("form select").selectOption("viewer");
    await page.locator('form button[type="submit"]').click();
    const password = await page.locator(".note code").innerText();
    await checkAccess(page, `users ${locale}`, findings);
    const row = page.locator("tbody tr").filter({ hasText: login });
    for (const [place, reason] of [[0, "on leave"], [0, "back again"]]) { // disabled, enabled
      await row.getByRole("button").nth(place).click();
      await act(page, reason);
    }
    await page.goto(`${url}/tokens`);
    await page.locator("form input").first().fill(`e2e ${tag}`);
    await page.locator('form button[type="submit"]').click();
    await page.locator(".note code").waitFor();
    await checkAccess(page, `tokens ${locale}`, findings);
    await page.goto(`${url}/audit`);
    await page.locator("tbody tr").first().waitFor();
    await checkAccess(page, `audit ${locale}`, findings);

    // The viewer: must change the password, sees less, is refused what is hidden, and is told when the session is over.
    const other = await openPage(browser, undefined, locale);
    await other.page.goto(`${url}/sign-in`);
    await checkAccess(other.page, `sign-in ${locale}`, findings);
    const signIn = async (secret) => {
      await other.page.fill('input[name="username"]', login);
      await other.page.fill('input[name="password"]', secret);
      await other.page.click('button[type="submit"]');
    };
    await signIn("certainly wrong");
    await other.page.getByRole("alert").or(toast(other.page)).first().waitFor();
    await signIn(password);
    await other.page.waitForURL(/\/password/);
    const fresh = `fresh ${password}`;
    for (const [place, value] of [password, fresh, fresh].entries()) await other.page.locator('input[type="password"]').nth(place).fill(value);
    await other.page.click('button[type="submit"]');
    await other.page.getByRole("navigation").waitFor();
    assert.equal(await other.page.locator('nav a[href="/users"], nav a[href="/system"], nav a[href="/audit"]').count(), 0);
    await other.page.goto(`${url}/users`);
    await other.page.getByRole("heading", { level: 1 }).getByText(locale === "zh" ? "您的角色不能打开此页面" : "Your role may not open this page").waitFor();
    const named = locale === "zh" ? /用户与角色.*管理人员和角色/ : /Users and roles.*manage people and roles/; // which page, which permission
    await other.page.locator("main").getByText(named).waitFor(); // the permission's words come a moment later
    await checkAccess(other.page, `not allowed ${locale}`, findings);
    assert.equal((await api(other.context, url, "GET", "/users")).status, 403);
    assert.equal((await api(other.context, url, "POST", "/meters", { number: "1" })).status, 403);
    await other.page.goto(`${url}/meters`);
    await other.page.locator("tbody tr").first().waitFor();
    assert.equal(await other.page.locator('a[href="/meters/new"]').count(), 0);
    await other.context.clearCookies();
    await other.page.locator("button.sort").click();
    await other.page.waitForURL(/\/sign-in\?to=/);
    await other.page.locator('[role="status"], [role="alert"], .el-alert').first().waitFor();
    await signIn(fresh);
    await other.page.waitForURL(/\/meters\?.*sort=/); // back where it was
    await other.context.close();
  },

  async frame({ page, context, url, locale, findings }) {
    await page.goto(`${url}/meters`);
    await page.locator("tbody tr").first().waitFor();
    await context.setOffline(true);
    await page.locator(".offline").waitFor();
    await checkAccess(page, `offline ${locale}`, findings);
    await context.setOffline(false);
    await page.locator(".offline").waitFor({ state: "hidden" });
    const tools = page.locator("header .tools .tool");
    await until(async () => {
      await tools.nth(1).click(); // a click while the menu still unfolds does not count: then it is opened again
      await page.getByRole("menuitem").filter({ visible: true }).nth(2).click();
      await page.waitForTimeout(300);
      return page.locator("html.dark").count();
    }, "the dark theme");
    await page.waitForTimeout(500); // colours pass over; contrast is judged when they stand
    for (const at of ["/", "/meters", "/report", "/alarms"]) {
      await page.goto(url + at);
      await page.locator("main .card").first().waitFor();
      await checkAccess(page, `dark ${at} ${locale}`, findings);
    }
    await page.evaluate(() => localStorage.removeItem("openmains.theme"));
    // The other language, and back: every word of the frame changes.
    await page.reload();
    const before = await page.getByRole("navigation").innerText();
    await page.locator("header .tools .tool").first().click();
    await until(async () => (await page.getByRole("navigation").innerText()) !== before, "the other language");
    assert.equal(CJK.test(await page.getByRole("navigation").innerText()), locale !== "zh");
    assert.equal(await page.getAttribute("html", "lang"), locale === "zh" ? "en" : "zh-CN");
    await page.goto(`${url}/nowhere`);
    await page.locator("main a").waitFor();
  },

  async phone({ browser, signedIn, url, locale, findings }) {
    const { context, page } = await openPage(browser, signedIn, locale, { viewport: { width: 390, height: 844 } });
    for (const at of ["/", "/meters", "/alarms", "/report", "/exceptions", "/products", "/system", "/users"]) {
      await page.goto(url + at);
      await page.locator("main .card").first().waitFor();
      await page.waitForLoadState("networkidle");
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      if (wide > 390) findings.push(`phone ${at} ${locale}: ${String(wide)} px wide`);
      await checkAccess(page, `phone ${at} ${locale}`, findings);
    }
    await page.locator("button.menu").click();
    await page.locator('nav a[href="/meters"]').click();
    await page.waitForURL(/\/meters/);
    await page.locator("nav").waitFor({ state: "hidden" });
    await context.close();
  },

  async gallery({ page, url, locale, findings }) {
    await page.goto(`${url}/gallery`);
    await page.locator('[data-state="empty"] p').waitFor();
    await page.locator('[data-state="loading"] [aria-busy="true"]').waitFor();
    await page.locator('[data-state="error"] [role="alert"]').waitFor();
    await page.locator('[data-state="lost"] [role="alert"]').waitFor();
    const drawn = await page.locator('[data-state="rows"] tr.line').count();
    assert.ok(drawn > 10 && drawn < 100, `${String(drawn)} of 100,000 rows drawn`);
    await page.locator('[data-state="rows"] [role="region"]').evaluate((box) => (box.scrollTop = box.scrollHeight));
    await page.getByText("202600099999").waitFor();
    await checkAccess(page, `gallery ${locale}`, findings);
  },

  ...keyStories,
};

/** Walks all stories (or those named) in one language; throws with everything that was found. */
/** As it is after the first sign-in changed it. */
function passwordOf(demo) {
  return demo.passwordFile === undefined ? demo.password : readFileSync(demo.passwordFile, "utf8");
}

/** `once`: a story in one language only, every other one in Chinese. */
export async function walk(browser, demo, signedIn, locale, only = [], once = false) {
  const findings = [];
  const tag = String(Date.now()).slice(-8);
  for (const [place, [name, story]] of Object.entries(STORIES).entries()) {
    if (once && (place % 2 === 0) !== (locale === "zh")) continue;
    if (only.length > 0 && !only.includes(name)) continue;
    const { context, page, faults } = await openPage(browser, signedIn, locale);
    const began = Date.now();
    try {
      await story({ browser, url: demo.url, coapPort: demo.coapPort, password: () => passwordOf(demo), signedIn, locale, context, page, findings, tag });
      console.log(`  ${locale} ${name} ${String(((Date.now() - began) / 1000).toFixed(1))} s`);
    } catch (error) {
      findings.push(`${name} ${locale}: ${error instanceof Error ? error.message : String(error)}`);
      if (process.env.OPENMAINS_E2E_FAILURES) await page.screenshot({ path: `${process.env.OPENMAINS_E2E_FAILURES}${name}.${locale}.png` });
    }
    for (const fault of faults) findings.push(`${name} ${locale}: ${fault}`);
    await context.close();
  }
  assert.deepEqual(findings, []);
}
