// SPDX-License-Identifier: Apache-2.0
// The frame of all pages – themes, languages, a lost network, a phone – and who may do what in it.
import assert from "node:assert/strict";
import { act, api, checkAccess, CJK, openPage, toast, until } from "./browser.mjs";

export const frameStories = {
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
    for (const [word, reason] of locale === "zh" ? [["停用", "on leave"], ["启用", "back again"]] : [["Disable", "on leave"], ["Enable", "back again"]]) {
      await row.getByRole("button", { name: word, exact: true }).click();
      await act(page, reason);
    }
    await row.getByRole("button", { name: locale === "zh" ? "停用" : "Disable", exact: true }).waitFor();
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
};
