// SPDX-License-Identifier: Apache-2.0
// From a rule to a mended meter, as docs/rules.md and docs/work-orders.md tell it: the rule is made in the console, tried on what is stored, found
// to be too much and narrowed, switched on; a meter's message fires it, the alarm is shown and told, and its work order waits for somebody to be sent;
// nobody acknowledges for a minute, so the second level is told; who is sent mends it with a phone of 390 px and without network, somebody else takes
// the work, and the alarm is cleared. The rule's area is the story's own: no other meter fires it.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { act, api, checkAccess, openPage, until } from "./browser.mjs";
import { alarmOf, ownMeter, say } from "./meter.mjs";
import { newPerson } from "./people.mjs";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const PICTURE = fileURLToPath(new URL("../../docs/screens/path1-1.zh.jpg", import.meta.url));

/** A labelled field of the page. */
const field = (page, name) => page.locator("main label").filter({ has: page.getByText(name, { exact: true }) }).locator("select, input").first();

export const ruleStories = {
  async rules(walk) {
    const { context, url, locale, tag, findings, page, browser } = walk;
    const w = (zh, en) => (locale === "zh" ? zh : en);
    const digit = locale === "zh" ? "1" : "2";
    const area = await api(context, url, "POST", "/areas", { code: `RULE-${tag}-${digit}`, name: `${w("规则", "Rules")} ${tag} ${digit}` });
    assert.equal(area.status, 201);
    const { area_id } = area.body;
    const mine = await ownMeter(context, url, `97${tag}${digit}`, { area_id });
    const mender = await newPerson(browser, context, url, `mend-${tag}-${digit}`, "operator");
    const who = (await api(mender.context, url, "GET", "/session")).body;
    assert.equal((await api(context, url, "PUT", `/technicians/${String(who.user_id)}`, { area_ids: [area_id] })).status, 200);

    const policy = await twoLevels({ context, url, area_id, tag: `${tag}-${digit}`, second: who.user_id });
    const second = await openPage(browser, await mender.context.storageState(), locale);
    await api(second.context, url, "PATCH", "/session/preferences", { locale });

    await ruleIsMade({ ...walk, w, area_id, name: `${w("电压低", "Low voltage")} ${tag}` });

    // The meter says 3.584 V until the pipeline has taken the rule in, and each time something new.
    const alarms = async () => (await api(context, url, "GET", `/alarms?meter_id=${String(mine.meter_id)}`)).body.items;
    await until(async () => {
      await say(walk.coapPort, mine.imei, alarmOf(mine.number));
      return (await alarms()).length > 0;
    }, "the rule's alarm");
    const [raised] = await alarms();
    await page.goto(`${url}/alarms/${String(raised.alarm_id)}`);
    const state = (text) => page.locator("main strong").getByText(text, { exact: true }).first().waitFor();
    await until(async () => (await api(context, url, "GET", `/work-orders?alarm_id=${String(raised.alarm_id)}`)).body.items.length > 0, "the work order of the rule");
    await page.reload();
    await checkAccess(page, `alarm of a rule ${locale}`, findings);
    await escalates({ ...walk, w, number: mine.number, alarm: raised, second: second.page });
    assert.deepEqual(second.faults, []);
    await second.context.close();

    await page.goto(`${url}/alarms/${String(raised.alarm_id)}`);
    await page.locator('main a[href*="/work-orders?"]').click();
    const listed = page.locator("main tbody tr").filter({ hasText: mine.number });
    await listed.locator('input[type="checkbox"]').check();
    await field(page, w("派给", "Send to")).selectOption(String(who.user_id));
    await page.getByRole("button", { name: w("派单", "Send"), exact: true }).click();
    await listed.getByText(w("已派", "assigned"), { exact: true }).waitFor();
    await checkAccess(page, `orders ${locale}`, findings);
    await page.locator('main tbody a[href^="/work-orders/"]').first().click();
    await page.locator("main h2").filter({ hasText: mine.number }).waitFor();
    const order = /\d+$/.exec(page.url())[0];
    await field(page, w("派给", "Send to")).selectOption(String(who.user_id));
    await page.getByRole("button", { name: w("派单", "Send"), exact: true }).click(); // once more, as a dispatcher who thought again
    await state(w("已派", "assigned"));
    await page.locator(`main a[href="/alarms/${String(raised.alarm_id)}"]`).click();
    await state(w("已派人", "Dispatched"));
    await page.goBack();
    await state(w("已派", "assigned"));

    await isMended({ ...walk, w, mender, number: mine.number });

    // Who mended it does not take the work; somebody else does, and the alarm is over with it.
    await page.reload();
    await page.getByRole("button", { name: w("办结", "Close"), exact: true }).click();
    await state(w("已办结", "closed"));
    await checkAccess(page, `order ${locale}`, findings);
    await page.locator(`main a[href="/alarms/${String(raised.alarm_id)}"]`).click();
    await state(w("已清除", "Cleared"));
    const told = (await api(context, url, "GET", `/work-orders/${order}`)).body.acts.map((one) => one.step);
    for (const done of ["make", "assign", "accept", "start", "photo", "finish", "close"]) assert.ok(told.includes(done), `${done} in ${told.join(" ")}`);
    assert.equal((await api(context, url, "DELETE", `/notice-policies/${String(policy)}?reason=e2e`)).status, 204);
    await mender.context.close();
  },
};

/** Who is told of what the area's meters fire, in the inbox: who walks at once; who mends, where nobody acknowledged for a minute – the shortest that can be set. */
async function twoLevels({ context, url, area_id, tag, second }) {
  const { body: channels } = await api(context, url, "GET", "/notice-channels");
  const { user_id } = (await api(context, url, "GET", "/session")).body;
  const inbox = [channels.find(({ kind }) => kind === "inbox").channel_id];
  const levels = [{ after_min: 0, users: [user_id], channels: inbox }, { after_min: 1, users: [second], channels: inbox }];
  const made = await api(context, url, "POST", "/notice-policies?reason=e2e", { name: `rule ${tag}`, area_id, events: ["rule_fired"], least: "info", levels });
  assert.equal(made.status, 201);
  return made.body.policy_id;
}

/** The first level was told at once; the second is told in its own inbox after a minute, although a work order waits – nobody is on the way –, and not before. */
async function escalates({ page, url, locale, findings, w, number, alarm, second }) {
  await page.goto(`${url}/inbox`);
  const told = (inbox) => inbox.locator("main article").filter({ hasText: number });
  await told(page).waitFor();
  await second.goto(`${url}/inbox`);
  const escalated = told(second).filter({ hasText: w("分钟无人确认", "nobody acknowledged for") });
  await escalated.waitFor();
  assert.equal(await told(second).count(), 1, "told once, by the escalation");
  const after = Date.parse(await escalated.locator("time").getAttribute("datetime")) - Date.parse(alarm.received_at);
  assert.ok(after >= 60_000, `told ${String(after)} ms after the alarm`);
  await checkAccess(second, `inbox ${locale}`, findings);
  await escalated.getByRole("link", { name: w("查看告警", "See the alarms") }).click();
  await second.waitForURL(`${url}/alarms/${String(alarm.alarm_id)}`);
}

/** Made, tried on everything, narrowed to the story's area, saved and switched on. */
async function ruleIsMade({ page, url, locale, findings, w, area_id, name }) {
  await page.goto(`${url}/rules/new`);
  await page.fill('input[name="name"]', name);
  await field(page, w("测点", "Point")).selectOption("battery_mv");
  await page.locator(`main .part input[aria-label="${w("数值", "Value")}"]`).fill("3.6");
  await field(page, w("工单", "Work order")).selectOption("meter_fault");
  const sentence = page.locator(".sentence");
  await sentence.filter({ hasText: "3.6" }).waitFor();
  const tried = async (pattern) => {
    await page.getByRole("button", { name: w("在最近 30 天试算", "Try on the last 30 days"), exact: true }).click();
    const said = page.locator('main p[role="status"]');
    await said.waitFor();
    assert.match(await said.innerText(), pattern);
  };
  await tried(w(/触发 [1-9]\d* 次/, /fired [1-9]\d* times/)); // the town has such batteries: too many for a crew
  await page.locator("main tbody tr a").first().waitFor();
  await checkAccess(page, `rule tried ${locale}`, findings);
  await field(page, w("区域（含下级）", "Area (with what is below)")).selectOption(String(area_id));
  await page.locator('main p[role="status"]').waitFor({ state: "detached" });
  await tried(w(/触发 0 次.*共看了 1 只/, /fired 0 times.* of 1 looked at/));
  await page.getByRole("button", { name: w("按条件生成用例", "Make cases from the condition"), exact: true }).click();
  await page.locator('form button[type="submit"]').click();
  await page.waitForURL(/\/rules\/\d+$/);
  await page.getByRole("heading", { level: 1, name }).waitFor();
  await page.getByRole("button", { name: w("启用", "Switch on"), exact: true }).click();
  await act(page, w("试算合适", "the trial suits"));
  await page.getByRole("button", { name: w("停用", "Switch off"), exact: true }).waitFor();
  await checkAccess(page, `rule ${locale}`, findings);
}

/** On the phone of who was sent (/field/), in a cellar: taken along, then without network accepted, begun, its meter scanned, answered with a picture,
 * done. It waits on the phone through a reload, and the platform has all of it once there is a network. */
async function isMended({ browser, url, locale, findings, w, mender, number }) {
  const { context, page, faults } = await openPage(browser, await mender.context.storageState(), locale, PHONE);
  await api(context, url, "PATCH", "/session/preferences", { locale });
  const at = (name) => page.locator(`[data-test="${name}"]`);
  const fits = async (where) => {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    if (wide > 390) findings.push(`${where} ${locale}: ${String(wide)} of 390 px`);
    await checkAccess(page, `${where} ${locale}`, findings);
  };
  const waiting = (count) => until(async () => Number((await at("waiting").innerText()).replace(/\D/g, "")) === count, `${String(count)} waiting`);
  await page.goto(`${url}/field/`);
  await at("installed").waitFor();
  await until(() => page.evaluate(() => navigator.serviceWorker.controller !== null), "the service worker holds the page");
  const mine = at("orders").locator("a").filter({ hasText: number });
  await mine.waitFor();
  await fits("own orders on the phone");
  await context.setOffline(true);
  await page.reload();
  await mine.click();
  await at("accept").click();
  await at("start").click();
  await page.fill('input[name="meter-code"]', "another meter");
  await page.locator('[role="alert"]').filter({ hasText: number }).waitFor();
  await page.fill('input[name="meter-code"]', number);
  await page.getByText(w("就是这只表", "It is this meter")).waitFor();
  await page.fill('input[name="cause"]', w("电池触点氧化，已清洁", "battery contact corroded, cleaned"));
  await at("finish").click();
  await page.locator('[role="alert"]').filter({ hasText: w("请填完检查表中的必填项", "Answer what the checklist needs") }).waitFor();
  await page.locator('select[name="site_safe"]').selectOption("yes");
  await page.setInputFiles('input[name="photo"]', PICTURE);
  await page.locator(".thumbs img").waitFor();
  await fits("order on the phone");
  await page.reload(); // an empty battery loses nothing
  await page.locator(".thumbs img").waitFor();
  await at("finish").click();
  await at("orders").waitFor();
  await waiting(3);
  await context.setOffline(false);
  await waiting(0);
  await mine.waitFor({ state: "detached" });
  assert.deepEqual(faults, []);
  await context.close();
}
