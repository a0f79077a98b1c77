// SPDX-License-Identifier: Apache-2.0
// What reaches a person, as docs/notices.md tells it: the utility's own words of an alarm, a browser that takes notices while the console is closed,
// and who stands in for somebody who is away.
import assert from "node:assert/strict";
import { act, api, checkAccess, openPage, until } from "./browser.mjs";
import { alarmOf, ownMeter, say } from "./meter.mjs";
import { newPerson } from "./people.mjs";
import { pushBrowser } from "./push.mjs";

const WHY = "reason=e2e";

export const noticeStories = {
  async notices(walk) {
    const { browser, signedIn, context, page, url, coapPort, locale, tag, findings } = walk;
    const w = (zh, en) => (locale === "zh" ? zh : en);
    const ask = async (method, path, body) => {
      const answer = await api(context, url, method, path, body);
      assert.ok(answer.status < 300, `${method} ${path}: ${String(answer.status)}`);
      return answer.body;
    };
    const button = (name) => page.locator("main").getByRole("button", { name, exact: true });

    // One channel of browser push a utility: whoever walks first makes it.
    await page.goto(`${url}/notices/channels`);
    await page.locator("main tbody tr").first().waitFor();
    const channels = await ask("GET", "/notice-channels");
    const inbox = channels.find(({ kind }) => kind === "inbox").channel_id;
    const channel = channels.find(({ kind }) => kind === "web_push")
      ?? (await ask("POST", "/notice-channels", { kind: "web_push", name: "browsers", settings: { contact: "ops@water.example" }, reason: "e2e" }));

    // Words of the utility's own, in this person's language.
    await page.goto(`${url}/notices/templates`);
    const words = page.locator("main tbody tr").filter({ hasText: w("中文", "English") }).filter({ has: page.locator("td:first-child", { hasText: w(/^告警$/, /^Alarm$/) }) });
    await words.getByRole("button", { name: w("修改", "Change"), exact: true }).click();
    await page.fill('input[name="subject"]', w(`速查 {event} ${tag}`, `Look at {event} ${tag}`));
    await checkAccess(page, `notice words ${locale}`, findings);
    await page.locator(`header button[aria-label="${w("本页说明", "About this page")}"]`).click();
    await page.locator("dialog[open] h2").getByText(w("通知用语", "Words"), { exact: true }).waitFor();
    await page.keyboard.press("Escape");
    await button(w("保存", "Save")).click();
    await act(page, "e2e");
    await words.getByText(tag).waitFor();

    // A browser without push, and one that says no, are told why; with leave it takes them.
    const bare = await openPage(browser, signedIn, locale);
    await bare.context.addInitScript(() => delete window.PushManager);
    await bare.page.goto(`${url}/profile`);
    await bare.page.getByText(w("此浏览器不支持推送", "This browser has no push")).waitFor();
    await bare.context.close();
    const push = await pushBrowser(context, page, url);
    await page.goto(`${url}/profile`);
    const take = button(w("在此浏览器接收", "Take notices in this browser"));
    await take.click();
    await page.locator('[role="alert"]').filter({ hasText: w("浏览器已禁止本站通知", "Notices of this site are blocked") }).waitFor();
    await checkAccess(page, `push refused ${locale}`, findings);
    await push.grant();
    await page.reload();
    await take.click();
    const mine = page.locator("main tbody tr").filter({ hasText: w("此浏览器", "this browser") });
    await mine.waitFor();
    await take.waitFor({ state: "detached" });

    // An alarm of the story's own place: sealed by the server, opened here, shown by Chromium in our words; a click opens that alarm.
    const { area_id } = await ask("POST", "/areas", { code: `PUSH-${tag}-${locale}`, name: `Push ${tag} ${locale}` });
    const meter = await ownMeter(context, url, `95${tag}${locale === "zh" ? "1" : "2"}`, { area_id });
    const { user_id } = await ask("GET", "/session");
    const levels = [{ after_min: 0, users: [user_id], channels: [channel.channel_id] }];
    const policy = await ask("POST", `/notice-policies?${WHY}`, { name: `push ${tag} ${locale}`, area_id, least: "info", levels });
    await say(coapPort, meter.imei, alarmOf(meter.number, "magnetic"));
    const sealed = await push.next(channel.settings.public_key);
    const told = JSON.parse(sealed);
    assert.ok(told.title.startsWith(w("速查 ", "Look at ")) && told.title.endsWith(tag), told.title);
    const notification = await push.deliver(sealed);
    const { title, body, lang, requireInteraction } = notification;
    assert.deepEqual({ title, body, lang, requireInteraction }, { title: told.title, body: told.body, lang: w("zh-CN", "en"), requireInteraction: told.severity === "critical" });
    const place = await push.click();
    assert.match(place, new RegExp(`^${url}/alarms/\\d+$`));
    await page.goto(place);
    await page.locator("main").getByText(meter.number).first().waitFor();

    // The push service gives the subscription up: the server forgets it, and the page says so and offers it again.
    push.answers(410);
    await ask("POST", `/notice-channels/${String(channel.channel_id)}/test`, { key: `push-${tag}-${locale}` });
    await push.next(channel.settings.public_key);
    await until(async () => (await ask("GET", "/notice-persons/me/browsers")).browsers.length === 0, "the browser is forgotten");
    await page.goto(`${url}/profile`);
    await page.getByText(w("此浏览器的订阅已失效", "This browser's subscription has ended")).waitFor();
    push.answers(201);
    await take.click();
    await mine.getByRole("button", { name: w("移除", "Take off"), exact: true }).click();
    await mine.waitFor({ state: "detached" });
    await take.waitFor();
    assert.equal(await page.evaluate(() => localStorage.getItem("e2e.push")), null, "the browser itself let go");
    await push.close();

    // Who is away is stood in for; the program's words come back.
    const away = await newPerson(browser, context, url, `away-${tag}-${locale}`, "operator");
    const { user_id: gone } = (await api(away.context, url, "GET", "/session")).body;
    const { user_id: there, name } = (await ask("GET", "/notice-persons")).find((one) => one.login === "admin");
    await page.goto(`${url}/notices/persons`);
    const row = page.locator("main tbody tr").filter({ hasText: `away-${tag}-${locale}` });
    await row.getByRole("button", { name: w("修改", "Change"), exact: true }).click();
    await button(w("增加一段", "Add a time")).click();
    await page.fill('input[name="since-0"]', "2026-01-01T00:00");
    await page.fill('input[name="until-0"]', "2099-01-01T00:00");
    await page.locator("main form select").selectOption(String(there));
    await checkAccess(page, `stand-in ${locale}`, findings);
    await button(w("保存", "Save")).click();
    await act(page, "e2e");
    await row.getByText(w(`${name} 代班`, `stand-in ${name}`)).waitFor();
    const draft = { name: "x", least: "info", levels: [{ after_min: 0, users: [gone], channels: [inbox] }] };
    const reached = await ask("POST", "/notice-policies/preview", { event: "magnetic", severity: "critical", area_id, policy: draft });
    assert.deepEqual(reached.map(({ user }) => user), [name], "told in place of who is away");
    await away.context.close();
    await page.goto(`${url}/notices/templates`);
    await words.getByRole("button", { name: w("恢复默认", "Take the program's words"), exact: true }).click();
    await act(page, "e2e");
    await words.getByText(tag).waitFor({ state: "detached" });
    await ask("DELETE", `/notice-policies/${String(policy.policy_id)}?${WHY}`);
  },
};
