// SPDX-License-Identifier: Apache-2.0
// Keys for the meters of a delivery: asked for, made, handed out once, never shown.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { api, checkAccess, downloaded, until } from "./browser.mjs";

const text = (locale, zh, en) => (locale === "zh" ? zh : en);

/** Two meters of a product of their own, so that the story's figures are its own. */
async function delivered(context, url, digits) {
  const { body: areas } = await api(context, url, "GET", "/areas");
  const { body: known } = await api(context, url, "GET", "/products?limit=500");
  const driver = known.items.find((item) => item.driver === "openmains/water-1").driver;
  const { body: product } = await api(context, url, "POST", "/products", { code: `K${digits}`, name: `KEY ${digits}`, maker: "e2e", model: "e2e", driver });
  const meters = [];
  for (const last of ["1", "2"]) {
    const number = `${digits}${last}`;
    const made = await api(context, url, "POST", "/meters", { number, imei: `86${number.padStart(13, "0")}`, product_id: product.product_id, area_id: areas.items[0].area_id, installed_on: "2026-01-01" });
    assert.equal(made.status, 201);
    meters.push(made.body);
  }
  return { product, meters };
}

/** Gives the reason that the open question asks for, and does it. */
async function agree(page, reason) {
  const dialog = page.locator("dialog[open]");
  await dialog.locator("textarea").fill(reason);
  await dialog.locator('button[type="submit"]').click();
}

export const keyStories = {
  async keys({ page, url, context, locale, tag, findings }) {
    const { product, meters } = await delivered(context, url, `94${tag}${text(locale, "1", "2")}`);
    const jobs = async () => (await api(context, url, "GET", "/jobs?kind=key_generate&limit=10")).body.items;
    const before = (await jobs())[0]?.job_id ?? 0;
    await page.goto(`${url}/keys`);
    await checkAccess(page, `keys ${locale}`, findings);
    const form = page.locator("form:has(select)");
    await form.locator("select").selectOption(String(product.product_id));
    await form.locator('button[type="submit"]').click();
    const dialog = page.locator("dialog[open]");
    await dialog.locator("textarea").waitFor();
    assert.ok((await dialog.innerText()).includes(text(locale, "生成 2 个密钥？", "Make 2 keys?")), "how many is said first");
    assert.ok((await dialog.innerText()).includes(`KEY ${product.code.slice(1)}`), "and of which product");
    await checkAccess(page, `make keys ${locale}`, findings);
    assert.equal((await jobs())[0]?.job_id ?? 0, before, "nothing is made before the answer");
    await agree(page, `e2e ${tag} making`);
    await dialog.waitFor({ state: "detached" });
    const job = await until(async () => (await jobs()).find((one) => one.job_id > before && one.status === "done"), "the keys");
    assert.equal(job.result.made, 2);

    // The file: asked for with its danger, given once, the meters' own keys in it.
    const line = page.locator("article.job").first();
    const take = line.getByRole("button", { name: text(locale, "下载", "Download") });
    await take.waitFor();
    assert.ok((await line.innerText()).includes(text(locale, "已生成 2 个", "2 made")));
    await take.click();
    await dialog.locator("textarea").waitFor();
    await checkAccess(page, `take keys ${locale}`, findings);
    const file = await downloaded(page, () => agree(page, `e2e ${tag} for the maker`));
    assert.equal(file.suggestedFilename(), `keys-${String(job.job_id)}.csv`);
    const rows = readFileSync(await file.path(), "utf8").replace(/^\ufeff/, "").trim().split(/\r?\n/).map((row) => row.split(","));
    assert.deepEqual(rows[0], ["number", "imei", "psk"]);
    assert.deepEqual(rows.slice(1).map((row) => row.slice(0, 2)).sort(), meters.map((meter) => [meter.number, meter.imei]).sort());
    const keys = rows.slice(1).map((row) => row[2]);
    for (const key of keys) assert.match(key, /^[0-9a-f]{32,}$/);
    assert.equal(new Set(keys).size, 2, "no two meters share a key");

    // Once: whoever asks again is told that it is gone, and why is in the trail without a key.
    await dialog.waitFor({ state: "detached" });
    await take.click();
    await dialog.locator("textarea").waitFor();
    await agree(page, `e2e ${tag} again`);
    await dialog.locator("[role=alert]").waitFor();
    await page.keyboard.press("Escape");
    const trail = JSON.stringify((await api(context, url, "GET", "/audit?limit=50")).body.items);
    assert.ok(trail.includes(`e2e ${tag} for the maker`) && trail.includes("take_key_file"));
    const said = trail + (await page.content()) + JSON.stringify(await jobs());
    for (const key of keys) assert.ok(!said.includes(key), "no key outside its file");
    // The meter's page says that there is a key; asked again nothing is left to make.
    await page.goto(`${url}/meters/${String(meters[0].meter_id)}?tab=security`);
    await page.getByText(new RegExp(text(locale, "第 1 版.*尚未使用", "version 1.*not used yet"))).waitFor();
    await page.goto(`${url}/keys`);
    await form.locator("select").selectOption(String(product.product_id));
    await form.locator('button[type="submit"]').click();
    await page.locator(".el-message").filter({ hasText: text(locale, "没有需要密钥的表具", "No meter needs a key") }).waitFor();
  },
};
