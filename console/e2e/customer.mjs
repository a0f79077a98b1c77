// SPDX-License-Identifier: Apache-2.0
// A customer with a phone of 390 px: signs in by the code that the demo's emulated messages show, sees the use against the tiers, pays, has the
// receipt, and asks for a repair, which stands in the work orders of the staff. Without network the last seen stays.
import assert from "node:assert/strict";
import { api, checkAccess, openPage, PATIENCE_MS, until } from "./browser.mjs";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const at = (page, name) => page.locator(`[data-test="${name}"]`);

async function fits(page, where, findings) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  if (wide > 390) findings.push(`${where}: ${String(wide)} of 390 px`);
  await checkAccess(page, where, findings);
}

export async function customerStory({ browser, url, context, locale, tag, findings, said }) {
  if (said === undefined) return; // a demo that runs elsewhere tells its codes on its own terminal
  await until(async () => /customers' pages/.test(said()), "the demo's phones are set up");
  const { page, context: own, faults } = await openPage(browser, undefined, locale, PHONE);
  page.setDefaultTimeout(PATIENCE_MS);
  // Each language is another household's phone: a phone has a code a minute.
  const customers = (await api(context, url, "GET", "/customers?limit=50")).body.items;
  const who = customers[locale === "zh" ? 10 : 11];
  const number = (await api(context, url, "POST", `/customers/${String(who.customer_id)}/personal`, { field: "phone", reason: "walk of a customer" })).body.value;

  await page.goto(`${url}/my/`);
  await page.fill('input[name="phone"]', number);
  await fits(page, `customer sign-in ${locale}`, findings);
  const before = said().length;
  await page.click('button[type="submit"]');
  const code = await until(() => /code (\d{6})/.exec(said().slice(before))?.[1], "the code on the demo's terminal");
  await page.fill('input[name="code"]', code);
  await page.locator("form").last().locator('button[type="submit"]').click();
  await at(page, "home").first().waitFor();
  await fits(page, `customer homes ${locale}`, findings);

  // The water account, which has a tariff and a bill.
  await at(page, "home").filter({ hasText: locale === "zh" ? "水" : "Water" }).first().click();
  await at(page, "use").locator("svg.days rect").nth(20).waitFor();
  await at(page, "tiers").locator(".bar").first().waitFor();
  const home = page.url();
  await fits(page, `customer home ${locale}`, findings);

  await at(page, "pay").click();
  await page.fill('input[name="amount"]', "20.5");
  await page.locator('form button[type="submit"]').click();
  await at(page, "payment").first().waitFor();
  await fits(page, `customer pays ${locale}`, findings);
  await at(page, "payment").first().locator('[data-test="receipt"]').waitFor(); // the emulated payer pays, the platform books
  assert.match(await at(page, "payment").first().innerText(), /20\.50/);

  await page.goto(home);
  await at(page, "bills").click();
  // The demo makes its bills once it has the days of a whole month: whoever comes first waits for that.
  const billed = () => at(page, "bill").first().waitFor({ timeout: 5000 }).then(() => true, () => page.reload().then(() => false));
  await until(billed, "the demo's bills");
  const paper = await own.request.get(await at(page, "receipt").first().locator("a").getAttribute("href").then((href) => `${url}${href}`));
  assert.equal(paper.headers()["content-type"], "application/pdf");
  await fits(page, `customer bills ${locale}`, findings);

  await page.goto(home);
  await at(page, "requests").click();
  await page.fill('textarea[name="text"]', `no water ${tag} ${locale}`);
  await page.locator('form button[type="submit"]').click();
  await at(page, "sent").waitFor();
  await fits(page, `customer asks ${locale}`, findings);
  const orders = (await api(context, url, "GET", "/work-orders?limit=50")).body.items;
  const made = orders.find((one) => one.what === `no water ${tag} ${locale}`);
  assert.equal(made?.source, "customer");

  // Without network: what was seen last, and its time.
  await page.goto(home);
  await at(page, "tiers").locator(".bar").first().waitFor();
  await until(() => page.evaluate(() => navigator.serviceWorker.controller !== null), "the service worker holds the page");
  await own.setOffline(true);
  await page.reload();
  await at(page, "seen").first().waitFor();
  await at(page, "tiers").locator(".bar").first().waitFor();
  await own.setOffline(false);
  await page.goto(`${url}/my/`);
  await at(page, "leave").click();
  await page.locator('input[name="phone"]').waitFor();
  assert.equal(await page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("openmains.my.")).length), 0);
  findings.push(...faults.map((fault) => `customer ${locale}: ${fault}`));
  await own.close();
}
