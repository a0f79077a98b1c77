// SPDX-License-Identifier: Apache-2.0
// Ten tasks of an operator's morning, each from Home to its end, with the clicks and keystrokes it takes: npm run e2e -- morning. A choice in a list is two clicks; a character is a keystroke; a file that is chosen is one click.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { api, downloaded, openPage, until } from "./browser.mjs";
import { alarmOf, ownMeter, say } from "./meter.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const REASON = { zh: "早班核对", en: "morning round" };

/** What a person's hand does; everything else is waiting. */
class Hand {
  clicks = 0;
  keys = 0;
  constructor(page) { this.page = page; }
  async click(what) { this.clicks += 1; await what.first().click(); }
  async choose(what, option) { this.clicks += 2; await what.first().selectOption(option); }
  async press(key) { this.keys += 1; await this.page.keyboard.press(key); }
  async type(text) { this.keys += text.length; await this.page.keyboard.type(text); }
  async fill(what, text) { this.clicks += 1; this.keys += text.length; await what.first().fill(text); }
  async file(what, file) { this.clicks += 1; await what.first().setInputFiles(file); }
  async act(reason) {
    const dialog = this.page.locator("dialog[open]");
    if (reason !== undefined) await this.fill(dialog.locator("textarea"), reason);
    await this.click(dialog.locator('button[type="submit"]'));
    await dialog.waitFor({ state: "detached" });
  }
}

/** 200 meters of a product and an area, under the template's heads, two of them with a fault: a date that is to come, an IMEI without its check digit. */
function file200(heads, product, area, tag) {
  const names = heads.split(",");
  const place = (name) => names.indexOf(name);
  const rows = Array.from({ length: 200 }, (_, index) => {
    const cells = names.map(() => "");
    cells[place("product code")] = product;
    cells[place("area code")] = area;
    cells[place("installation date")] = "2026-01-31";
    cells[place("meter number")] = `M${tag}${String(index).padStart(3, "0")}`;
    if (index === 50) cells[place("installation date")] = "2099-01-31";
    if (index === 150) cells[place("IMEI")] = "860000000000001";
    return cells.join(",");
  });
  return Buffer.from([heads, ...rows].join("\n"));
}

/** The signer's own command, for the demo whose data are in `folder`. */
function signer(folder, words, input) {
  const cli = process.env.OPENMAINS_PYTHON ?? join(root, ".venv/bin/python");
  const done = spawnSync(cli, ["-m", "openmains.run.cli", "--var", folder, "signer", ...words, "--password-stdin"], {
    cwd: root,
    env: { ...process.env, PYTHONPATH: join(root, "src") },
    input: `${input.join("\n")}\n`,
    encoding: "utf8",
  });
  if (done.status !== 0) throw new Error(done.stderr || done.stdout);
}

/** Signs what the registry says of its meters; false: it has just changed, and is looked at once more. */
function signed(folder, passwords) {
  try {
    signer(folder, ["sign-facts", "1", "admin", "second"], passwords);
    return true;
  } catch (error) {
    if (!/has just changed/.test(String(error))) throw error;
    return false;
  }
}

/** Two persons who sign, a critical customer's meter without credit whose closing needs both, and what it is signed: done before the morning begins. */
async function prepared(context, { url, folder, coapPort }, digit) {
  const people = { admin: "morning admin 12345", second: "morning second 12345" };
  await api(context, url, "POST", "/users", { login: "second", name: "Second", role: "administrator", reason: "second person" });
  for (const [login, password] of Object.entries(people)) signer(folder, ["enrol", "1", login, "--administrator", "--approver", "--yes"], [password]);
  const { items } = (await api(context, url, "GET", "/meters?limit=200&sort=number&status=active")).body;
  const { customer_id } = items.find((one) => one.medium === "water" && one.customer_id);
  const meter = await ownMeter(context, url, `96${String(Date.now()).slice(-8)}${digit}`, { customer_id });
  await say(coapPort, meter.imei, alarmOf(meter.number));
  await until(async () => (await api(context, url, "GET", `/meters/${String(meter.meter_id)}`)).body.state?.balance === 0, "its balance");
  const { revision } = (await api(context, url, "GET", `/meters/${String(meter.meter_id)}`)).body;
  const changed = await context.request.patch(`${url}/api/v1/meters/${String(meter.meter_id)}`, { headers: { "x-openmains-request": "e2e", "if-match": `"${String(revision)}"` }, data: { is_critical: true } });
  assert.ok(changed.ok(), `critical: ${String(changed.status())}`);
  await until(() => signed(folder, Object.values(people)), "the signature of the registry's facts");
  return { ...people, number: meter.number };
}

const TASKS = {
  async find({ hand, page, context, url }) {
    const { address } = (await api(context, url, "GET", "/meters?limit=1")).body.items[0];
    await hand.press("/");
    await hand.type(address.slice(0, Math.max(3, Math.ceil(address.length / 2))));
    await page.locator("#search-hits li strong").first().waitFor();
    await hand.press("ArrowDown");
    await hand.press("Enter");
    await page.waitForURL(/\/meters\/\d+/);
  },

  async "explain a gap"({ hand, page }) {
    await hand.click(page.locator('main a[href*="key="]'));
    await page.locator("#missing tbody a").first().waitFor();
    await hand.click(page.locator("#missing tbody a"));
    await page.locator("h2 + ul li").first().waitFor();
  },

  async "read now (a page of 50 meters)"({ hand, page, context, url }) {
    await hand.click(page.locator('nav a[href="/meters"]'));
    await page.locator("tbody tr").nth(20).waitFor();
    await hand.click(page.locator("thead input[type=checkbox]"));
    await hand.click(page.locator(".bulk button"));
    await hand.act();
    await page.waitForURL(/\/batches\/\d+$/);
    const id = /\d+$/.exec(page.url())[0];
    const batch = (await api(context, url, "GET", `/command-batches/${id}`)).body;
    assert.ok(batch.total >= 20 && batch.state !== "drafted", `${String(batch.total)} meters, ${batch.state}`);
  },

  async "judge ten exceptions"({ hand, page, locale }) {
    await hand.click(page.locator('nav a[href="/exceptions"]'));
    await page.locator("tbody input[type=checkbox]").nth(1).waitFor();
    const boxes = Math.min(10, await page.locator("tbody input[type=checkbox]").count());
    for (let place = 0; place < boxes; place += 1) await hand.click(page.locator("tbody input[type=checkbox]").nth(place));
    await hand.click(page.locator(".bulk button"));
    await hand.act(REASON[locale]);
    await page.locator(".el-message").first().waitFor();
    return `${String(boxes)} findings`;
  },

  async "shut a valve with approval"({ hand, page, context, url, signers, locale }) {
    if (signers === null) return "left out: signing needs a demo of the walk's own";
    const { number } = signers;
    await hand.press("/");
    await hand.type(number);
    await page.locator("#search-hits li strong").first().waitFor();
    await hand.press("ArrowDown");
    await hand.press("Enter");
    await page.waitForURL(/\/meters\/\d+/);
    await hand.click(page.getByRole("tab", { name: locale === "zh" ? "命令" : "Commands" }));
    await hand.choose(page.locator('select[name="command-kind"]'), "valve_close");
    await hand.click(page.locator('.el-tab-pane:visible form button[type="submit"]'));
    await hand.fill(page.locator('.confirm input[name="signer-login"]'), "admin");
    await hand.fill(page.locator('.confirm input[name="signer-password"]'), signers.admin);
    const answer = page.waitForResponse((one) => one.request().method() === "POST" && one.url().endsWith("/commands"));
    await hand.click(page.locator('.confirm button[type="submit"]'));
    const given = await (await answer).json();
    // The signer is asked while the command waits as a draft.
    const state = () => api(context, url, "GET", `/commands/${String(given.command.command_id)}`).then(({ body }) => (body.state === "drafted" ? undefined : body.state));
    const stands = given.command === undefined ? String(given.code ?? given.type) : await until(state, "the signer's word");
    if (stands !== "quarantined") return `ends as ${stands}: no approval was asked for`;
    await hand.click(page.locator('nav a[href="/approvals"], nav a[href="/commands"]'));
    if (!page.url().includes("/approvals")) await hand.click(page.locator('main a[href="/approvals"]'));
    await hand.click(page.locator("article").filter({ hasText: number }).locator("button.el-button--primary"));
    await hand.fill(page.locator('.confirm input[name="signer-login"]'), "second");
    await hand.fill(page.locator('.confirm input[name="signer-password"]'), signers.second);
    await hand.click(page.locator('.confirm button[type="submit"]'));
    await page.locator("article").filter({ hasText: number }).waitFor({ state: "detached" });
    return "two persons";
  },

  async "answer a blocked terminal"({ hand, page, context, url, locale }) {
    const { meter_id: id, number } = (await api(context, url, "GET", "/meters?limit=3")).body.items[2];
    const held = await api(context, url, "POST", `/meters/${String(id)}/security/hold`, { state: "blocked", note: "morning" });
    assert.ok(held.status < 300, `held: ${String(held.status)}`);
    await hand.click(page.locator('nav a[href="/terminals"]'));
    await hand.click(page.locator("tbody tr").filter({ hasText: number }).getByRole("button"));
    await hand.act(REASON[locale]);
    await until(async () => (await page.locator("tbody tr").filter({ hasText: number }).count()) === 0, "the terminal is released");
  },

  async "import 200 meters with two faults"({ hand, page, context, url, tag, locale }) {
    const template = await (await context.request.get(`${url}/api/v1/imports/template?format=csv`, { headers: { "accept-language": "en" } })).text();
    const [heads] = template.replace(/^\ufeff/, "").trim().split(/\r?\n/);
    const product = (await api(context, url, "GET", "/products?limit=500")).body.items.find((one) => one.driver === "openmains/water-1").code;
    const area = (await api(context, url, "GET", "/areas")).body.items[0].code;
    const name = `${tag}-${locale}.csv`;
    await hand.click(page.locator('nav a[href="/meters"]'));
    await hand.click(page.locator('main a[href="/meters/import"]'));
    await hand.file(page.locator('input[type="file"]'), { name, mimeType: "text/csv", buffer: file200(heads, product, area, tag + locale) });
    await hand.click(page.locator("form button:not([type=submit])").filter({ visible: true }).last()); // preview
    const jobs = page.locator("article").filter({ hasText: name });
    await jobs.first().locator("tbody tr").first().waitFor();
    await hand.click(page.locator("form .el-checkbox"));
    await hand.click(page.locator('form button[type="submit"]'));
    await until(async () => (await api(context, url, "GET", `/meters?q=M${tag}${locale}&limit=200`)).body.items.length === 198, "198 of 200");
    await page.locator("article button").filter({ hasText: locale === "zh" ? "撤销导入" : "Undo" }).first().waitFor();
  },

  async "undo it"({ hand, page, context, url, tag, locale }) {
    await hand.click(page.locator('nav a[href="/meters"]'));
    await hand.click(page.locator('main a[href="/meters/import"]'));
    const job = page.locator("article").filter({ hasText: `${tag}-${locale}.csv` });
    await hand.click(job.getByRole("button", { name: locale === "zh" ? "撤销导入" : "Undo", exact: true }));
    await hand.act(REASON[locale]);
    await until(async () => (await api(context, url, "GET", `/meters?q=M${tag}${locale}&limit=200`)).body.items.length === 0, "none is left");
    await job.getByText(locale === "zh" ? "已撤销" : "Undone").first().waitFor();
  },

  async "export the month"({ hand, page }) {
    await hand.click(page.locator('nav a[href="/bulk"]'));
    await hand.choose(page.locator("main select"), "sums"); // of the last 31 days, by area
    await page.locator("main tbody tr").first().waitFor();
    const file = await downloaded(page, () => hand.click(page.locator('main a[href*="xlsx"]')));
    return file.suggestedFilename();
  },

  async "hand over (open alarms acknowledged)"({ hand, page, context, url, coapPort, locale }) {
    const mine = await ownMeter(context, url, `98${String(Date.now()).slice(-8)}${locale === "zh" ? "1" : "2"}`); // so that there is one, whatever the town does
    await say(coapPort, mine.imei, alarmOf(mine.number, "magnetic"));
    await until(async () => (await api(context, url, "GET", `/alarms?status=open&meter_id=${String(mine.meter_id)}`)).body.items.length, "its alarm");
    await hand.click(page.locator('nav a[href="/alarms"]'));
    await page.locator("tbody tr").filter({ hasText: mine.number }).first().waitFor();
    await hand.click(page.locator("thead input[type=checkbox]"));
    await hand.click(page.locator(".bulk button"));
    await page.locator(".el-message").first().waitFor();
  },
};

export async function walkMorning(browser, demo, signedIn, locale) {
  const tag = Date.now().toString(36).slice(-5);
  const { context, page, faults } = await openPage(browser, signedIn, locale, { viewport: { width: 1440, height: 900 } });
  const { url } = demo;
  const signers = demo.folder === undefined ? null : await prepared(context, demo, locale === "zh" ? "1" : "2");
  const failed = [];
  for (const [name, task] of Object.entries(TASKS)) {
    const hand = new Hand(page);
    try {
      await page.goto(url);
      await page.locator("main .big").first().waitFor();
      const note = await task({ hand, page, context, url, coapPort: demo.coapPort, tag, locale, signers });
      console.log(`  ${locale} ${name}: ${String(hand.clicks)} clicks, ${String(hand.keys)} keystrokes${note === undefined ? "" : ` (${note})`}`);
    } catch (error) {
      failed.push(name);
      console.log(`  ${locale} ${name}: not done after ${String(hand.clicks)} clicks: ${String(error).split("\n")[0]}`);
      if (process.env.OPENMAINS_E2E_FAILURES) await page.screenshot({ path: `${process.env.OPENMAINS_E2E_FAILURES}morning-${String(failed.length)}.${locale}.png` });
    }
  }
  await context.close();
  assert.deepEqual(faults, []);
  assert.deepEqual(failed, []);
}
