// SPDX-License-Identifier: Apache-2.0
// A price change as two people make it, and money as it goes back: drafted, tried, refused to its author, approved by another; asked for
// and agreed to; the trial balance adds up.
import assert from "node:assert/strict";
import { act, api, checkAccess, openPage } from "./browser.mjs";

/** A picture where the person who walks it wants to look (OPENMAINS_E2E_PICTURES: a folder). */
const picture = (page, name) => (process.env.OPENMAINS_E2E_PICTURES ? page.screenshot({ path: `${process.env.OPENMAINS_E2E_PICTURES}/${name}.png`, fullPage: true }) : undefined);

/** Another administrator, signed in. */
async function second(browser, context, url, locale, tag) {
  const login = `second-${tag}-${locale}`;
  const made = await api(context, url, "POST", "/users", { login, name: "Second", role: "administrator", reason: "e2e" });
  assert.equal(made.status, 201);
  const other = await openPage(browser, undefined, locale);
  await other.page.goto(`${url}/sign-in`);
  await other.page.fill('input[name="username"]', login);
  await other.page.fill('input[name="password"]', made.body.password);
  await other.page.click('button[type="submit"]');
  await other.page.waitForURL(/\/password/);
  const fresh = `fresh ${made.body.password}`;
  for (const [place, value] of [made.body.password, fresh, fresh].entries()) await other.page.locator('input[type="password"]').nth(place).fill(value);
  await other.page.click('button[type="submit"]');
  await other.page.getByRole("navigation").waitFor();
  return other;
}

export async function chargingStory({ browser, page, context, url, locale, tag, findings }) {
  const other = await second(browser, context, url, locale, tag);
  const code = `R${tag}${locale}`;
  await page.goto(`${url}/tariffs`);
  await page.locator(".row button").first().click();
  await page.fill('input[name="code"]', code);
  await page.fill('input[name="name"]', "E2E");
  await page.locator('form button[type="submit"]').click();
  await page.waitForURL(/\/tariffs\/\d+$/);
  const tariff = page.url();

  // Drafted by the other person: three tiers, two components, tried in the calculator before it is saved.
  await other.page.goto(`${tariff}/plans/new`);
  const form = other.page.locator("form.card").first();
  await form.locator("input").first().fill("2020-01-01");
  const [addTier, addComponent] = [0, 1].map((place) => form.locator(".scroll ~ .row button").nth(place));
  await addTier.click();
  await addTier.click();
  await addComponent.click();
  await form.locator("thead input.el-input__inner").nth(0).fill("water");
  await form.locator("thead input.el-input__inner").nth(1).fill("sewage");
  for (const [row, values] of [["180", "3.64", "1.36"], ["260", "5.64", "1.36"], ["7.64", "1.36"]].entries()) {
    for (const [place, value] of values.entries()) await form.locator("tbody tr").nth(row).locator("input.number").nth(place).fill(value);
  }
  await other.page.fill('input[name="m3"]', "300");
  await other.page.locator("form.row button[type='submit']").last().click();
  await other.page.getByText("¥1\u202f820.00").first().waitFor();
  await checkAccess(other.page, `plan form ${locale}`, findings);
  await picture(other.page, `plan-form.${locale}`);
  await form.locator('button[type="submit"]').click();
  await act(other.page, "first prices");
  await other.page.waitForURL(/\/tariff-plans\/\d+$/);

  // Its author may not approve it; the other administrator does.
  const plan = new URL(other.page.url()).pathname;
  const refused = await api(other.context, url, "POST", `${plan}/approve`, { reason: "mine" });
  assert.equal(refused.status, 403);
  await page.goto(`${url}${plan}`);
  await page.getByText("3.64").first().waitFor();
  await checkAccess(page, `plan ${locale}`, findings);
  await page.locator(".el-button--primary").first().click();
  await act(page, "as decided");
  await page.getByText(locale === "zh" ? "已批准" : "approved", { exact: true }).first().waitFor();
  await page.getByRole("button", { name: locale === "zh" ? "取得版本号" : "Give it a version number" }).click();
  await page.locator('dialog[open] button[type="submit"]').click();
  await page.getByText(locale === "zh" ? /^版本 \d+/ : /^Version \d+/).waitFor();
  await picture(page, `plan.${locale}`);
  await page.goto(tariff);
  await page.locator("tbody tr").first().waitFor();
  await checkAccess(page, `tariff ${locale}`, findings);
  await page.goto(`${url}/tariffs`);
  await page.getByText(code).waitFor();
  await checkAccess(page, `tariffs ${locale}`, findings);

  // Money: paid, asked back by one, agreed to by another, never more than there is.
  const account = Number(tag);
  const paid = await api(context, url, "POST", "/ledger/payments", { key: `e2e-${tag}-${locale}`, account_id: account, channel: "cash", fen: 5000 });
  assert.equal(paid.status, 201);
  await other.page.goto(`${url}/ledger/acts`);
  await other.page.fill('input[name="account"]', String(account));
  await other.page.fill('input[name="amount"]', "50");
  await other.page.locator("form.card button[type='submit']").click();
  await act(other.page, "moved away");
  await page.goto(`${url}/ledger/acts`);
  await page.locator("tbody tr").first().getByRole("button").first().click();
  await act(page, "seen");
  await page.locator("tbody tr").first().getByText(locale === "zh" ? "已批准" : "approved").waitFor();
  await page.goto(`${url}/ledger/acts?state=approved`); // without the message that it is done, which is not ours
  await page.locator("tbody tr").first().waitFor();
  await checkAccess(page, `ledger acts ${locale}`, findings);
  await picture(page, `ledger-acts.${locale}`);
  await page.goto(`${url}/ledger/entries?account=${String(account)}`);
  await page.locator("tbody tr").nth(1).waitFor();
  await checkAccess(page, `ledger entries ${locale}`, findings);
  await picture(page, `ledger-entries.${locale}`);
  await page.goto(`${url}/ledger`);
  await page.getByText(locale === "zh" ? "借贷相等" : "Debits equal credits").waitFor();
  await checkAccess(page, `ledger ${locale}`, findings);
  await picture(page, `ledger.${locale}`);
  await other.context.close();
}
