// SPDX-License-Identifier: Apache-2.0
// Work outside on a phone of 390 px: a reader walks a route and loses the network, an installer scans with the camera, tests, and another accepts.
import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cameraFile } from "./barcode.mjs";
import { api, checkAccess, launch, openPage, until } from "./browser.mjs";
import { ownMeter, reportOf, say } from "./meter.mjs";
import { newPerson } from "./people.mjs";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const PICTURE = fileURLToPath(new URL("../../docs/screens/path1-1.zh.jpg", import.meta.url));
const at = (page, name) => page.locator(`[data-test="${name}"]`);

/** The phone pages, ready to work without network. */
async function phone(browser, signedIn, locale, url) {
  const opened = await openPage(browser, signedIn, locale, PHONE);
  const { page } = opened;
  await pictured(page, `start.${locale}`, async () => {
    await page.goto(`${url}/field/`);
    await at(page, "installed").waitFor();
    await until(() => page.evaluate(() => navigator.serviceWorker.controller !== null), "the service worker holds the page");
    await refresh(page);
  });
  return opened;
}

/** Does it; where it fails, with a picture of the phone. */
async function pictured(page, name, work) {
  try {
    await work();
  } catch (error) {
    if (process.env.OPENMAINS_E2E_FAILURES) await page.screenshot({ path: `${process.env.OPENMAINS_E2E_FAILURES}phone.${name}.png` });
    throw error;
  }
}

async function refresh(page) {
  const taken = page.waitForResponse((answer) => answer.url().endsWith("/field/kit") && answer.ok());
  await at(page, "refresh").click();
  await taken;
}

async function fits(page, where, findings) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  if (wide > 390) findings.push(`${where}: ${String(wide)} of 390 px`);
  await checkAccess(page, where, findings);
}

const waiting = (page, count) => until(async () => Number((await at(page, "waiting").innerText()).replace(/\D/g, "")) === count, `${String(count)} waiting`);
const readings = async (context, url, meterId) => (await api(context, url, "GET", `/manual-readings?meter_id=${String(meterId)}`)).body.items;

export async function readerStory({ browser, signedIn, url, context, locale, tag, findings, password }) {
  const who = (await api(context, url, "GET", "/session")).body;
  const digit = locale === "zh" ? "1" : "2";
  const meters = [];
  for (const place of ["1", "2", "3"]) meters.push(await ownMeter(context, url, `94${tag}${digit}${place}`));
  const name = `R ${tag} ${locale}`;
  const made = await api(context, url, "POST", "/reading-routes", { name, numbers: meters.map((meter) => meter.number), reader_id: who.user_id });
  assert.equal(made.status, 201);
  const walk = await phone(browser, signedIn, locale, url);
  await pictured(walk.page, `reader.${locale}`, () => readerDay({ walk, url, context, locale, findings, password, who, meters, name }));
  findings.push(...walk.faults.map((fault) => `reader ${locale}: ${fault}`));
  await walk.context.close();
}

async function readerDay({ walk, url, context, locale, findings, password, who, meters, name }) {
  const { page } = walk;
  await fits(page, `field home ${locale}`, findings);

  // Without network from here on; a reload comes from the phone.
  await walk.context.setOffline(true);
  await page.reload();
  await page.getByText(name).click();
  await fits(page, `route ${locale}`, findings);
  await page.locator("ul.list a").filter({ hasText: meters[0].number }).click();
  assert.equal(await at(page, "number").innerText(), meters[0].number);
  await page.fill('input[name="register"]', "12,5");
  await page.setInputFiles('input[name="photo"]', PICTURE);
  await page.locator(".thumbs img").waitFor();
  await fits(page, `read ${locale}`, findings);
  await at(page, "save").click();
  await until(async () => (await at(page, "number").innerText()) === meters[1].number, "the next meter");
  await page.locator('select[name="no-access"]').selectOption("locked");
  await at(page, "no-access").click();
  await until(async () => (await at(page, "number").innerText()) === meters[2].number, "the third meter");
  await page.fill('input[name="register"]', "999999999"); // beyond the dial: the platform will refuse it
  await at(page, "save").click();
  await waiting(page, 3);
  await page.reload();
  await waiting(page, 3);
  assert.equal((await readings(context, url, meters[0].meter_id)).length, 0);

  // The session ends meanwhile, and a second tab is open: nothing is lost, nothing is sent twice.
  await walk.context.clearCookies();
  const second = await walk.context.newPage();
  await second.goto(`${url}/field/`);
  await walk.context.setOffline(false);
  await page.bringToFront();
  await at(page, "ended").waitFor(); // at the next turn of its clock at the latest
  await waiting(page, 3);
  await at(page, "ended").locator("a").click();
  await at(page, "left").waitFor();
  await fits(page, `field sign-in ${locale}`, findings);
  await page.fill('input[name="username"]', who.login);
  await page.fill('input[name="password"]', password);
  await page.locator('button[type="submit"]').click();
  await page.getByText(name).waitFor();
  await until(async () => (await readings(context, url, meters[0].meter_id)).length > 0, "the reading");
  await at(page, "waiting").click();
  const conflict = at(page, "conflict");
  await conflict.waitFor();
  await until(async () => (await page.locator("article").count()) === 1, "only the conflict stays");
  assert.match(await conflict.innerText(), /999999999/);
  await fits(page, `conflict ${locale}`, findings);
  const [booked] = await readings(context, url, meters[0].meter_id);
  assert.deepEqual([booked.register_m3, (await readings(context, url, meters[0].meter_id)).length], ["12.5", 1]);
  const photos = (await api(context, url, "GET", `/meters/${String(meters[0].meter_id)}/photos`)).body.items;
  assert.deepEqual(photos.map((photo) => photo.purpose), ["register"]);
  const visits = (await api(context, url, "GET", `/meters/${String(meters[1].meter_id)}/site-visits`)).body.items;
  assert.deepEqual(visits.map((visit) => [visit.kind, visit.reason]), [["no_access", "locked"]]);
  assert.equal((await readings(context, url, meters[2].meter_id)).length, 0);

  // Signing out with a conflict asks; given up, it is gone; then nothing of the day is on the phone any more.
  await page.goto(`${url}/field/`);
  await at(page, "leave").click();
  await at(page, "leave-asks").waitFor();
  await page.goto(`${url}/field/waiting`);
  await at(page, "give-up").click();
  await at(page, "give-up").click();
  await at(page, "empty").waitFor();
  await page.goto(`${url}/field/`);
  await at(page, "leave").click();
  await page.waitForURL(/sign-in/);
  const left = await page.evaluate(async () => {
    const db = await new Promise((resolve, reject) => {
      const asked = indexedDB.open("openmains-field");
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    });
    const count = (store) => new Promise((resolve) => (db.transaction(store).objectStore(store).count().onsuccess = (event) => resolve(event.target.result)));
    const cached = await Promise.all((await caches.keys()).map(async (key) => (await (await caches.open(key)).keys()).map((request) => new URL(request.url).pathname)));
    return { counts: [await count("kept"), await count("acts"), await count("files")], api: cached.flat().filter((path) => path.startsWith("/api")) };
  });
  assert.deepEqual(left, { counts: [0, 0, 0], api: [] });
}

export async function installerStory({ signedIn, url, context, locale, coapPort, tag, findings }) {
  const digit = locale === "zh" ? "1" : "2";
  const numbers = ["1", "2"].map((place) => `95${tag}${digit}${place}`);
  const imeis = numbers.map((number) => `86${number.padStart(13, "0")}`);
  const { body: products } = await api(context, url, "GET", "/products?limit=500");
  const product = products.items.find((item) => item.driver === "openmains/water-1");
  const area_id = (await api(context, url, "GET", "/areas")).body.items[0].area_id;
  const meters = numbers.map((number, place) => ({ number, bar_code: `BC${number}`, imei: imeis[place], product_id: product.product_id, area_id }));
  assert.equal((await api(context, url, "POST", "/stock", { key: `s${numbers[0]}`, meters })).status, 201);
  const issue = { key: `i${numbers[0]}`, lines: [{ product: product.code, number: numbers[0], quantity: 2 }], person: "王师傅", reason: "e2e" };
  assert.equal((await api(context, url, "POST", "/stock/issue", issue)).status, 200);
  const code = `F-${tag}-${digit}`;
  const place = await api(context, url, "POST", "/premises", { code, area_id, address: `${code} 号` });
  assert.equal(place.status, 201);
  const account = { key: `a${code}`, number: code, premises_id: place.body.premises_id, medium: "water", reason: "e2e", opened_at: "2026-01-01T00:00:00+08:00" };
  assert.equal((await api(context, url, "POST", "/accounts", account)).status, 201);

  const film = join(tmpdir(), `openmains-${code}.y4m`);
  cameraFile(film, meters[0].bar_code);
  const browser = await launch(["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${film}`]);
  try {
    const walk = await phone(browser, signedIn, locale, url);
    await pictured(walk.page, `installer.${locale}`, () => installerDay({ walk, browser, url, context, locale, coapPort, tag, digit, findings, code, meters, numbers, imeis }));
    findings.push(...walk.faults.map((fault) => `installer ${locale}: ${fault}`));
    await walk.context.close();
  } finally {
    await browser.close();
  }
}

async function installerDay({ walk, browser, url, context, locale, coapPort, tag, digit, findings, code, meters, numbers, imeis }) {
  const { page } = walk;
  await page.goto(`${url}/field/install`);
  await at(page, "scan-bar-code").click();
  await until(async () => (await page.inputValue('input[name="bar-code"]')) === meters[0].bar_code, "the bar code in the camera's picture");
  assert.match(await at(page, "meter").innerText(), new RegExp(numbers[0]));
  // A module that is another meter's is shown at once, with both numbers.
  await page.fill('input[name="imei"]', imeis[1]);
  const pair = await at(page, "pair").innerText();
  for (const shown of [numbers[0], imeis[0], imeis[1], numbers[1]]) assert.ok(pair.includes(shown), `${shown} in ${pair}`);
  assert.ok(await at(page, "save").isDisabled());
  await fits(page, `pair ${locale}`, findings);
  await page.fill('input[name="imei"]', imeis[0]);

  // In the cellar: no network, and the phone is closed and opened in between.
  await walk.context.setOffline(true);
  await page.fill('input[name="account"]', code);
  await page.fill('input[name="reason"]', "WO 17");
  await page.fill('input[name="field_mt"]', "21");
  await page.locator('input[name="no_leak"]').check();
  await page.locator('input[name="inlet_valve"]').check();
  await page.setInputFiles('input[name="photo"]', PICTURE);
  await page.locator(".thumbs img").waitFor();
  await sign(page);
  await at(page, "save").click();
  await page.locator(".fault").waitFor(); // 21 mT is outside the documents' limit
  await page.fill('input[name="field_mt"]', "3");
  await until(async () => (await page.evaluate(readDraft))?.answers.field_mt === "3", "the draft on the phone");
  await page.reload();
  await until(async () => (await page.inputValue('input[name="account"]')) === code, "the draft after a reload");
  assert.equal(await page.inputValue('input[name="field_mt"]'), "3");
  await page.locator(".thumbs img").waitFor();
  await fits(page, `install ${locale}`, findings);
  await at(page, "save").click();
  await page.waitForURL(/\/field\/test\/\d+/);
  await at(page, "not-sent").waitFor();
  const meterId = Number(/\d+$/.exec(page.url())[0]);
  assert.equal((await api(context, url, "GET", `/meters/${String(meterId)}/life`)).body.life, "issued");
  await walk.context.setOffline(false);
  await waiting(page, 0);

  // The test on the spot: the button is pressed, the meter reports, the platform says what it heard.
  await until(async () => (await api(context, url, "GET", `/meters/${String(meterId)}/life`)).body.life === "installed", "installed");
  await at(page, "press").click();
  await at(page, "heard").waitFor();
  await say(coapPort, imeis[0], reportOf(numbers[0]));
  await at(page, "signal").waitFor();
  await fits(page, `test ${locale}`, findings);
  await page.fill('input[name="reason"]', locale === "zh" ? "该户未供水，阀门另日再试" : "no water yet, the valve another day");
  await at(page, "finish").click();
  await at(page, "passed").waitFor();
  const visits = (await api(context, url, "GET", `/meters/${String(meterId)}/site-visits`)).body.items;
  assert.deepEqual(visits.map((visit) => visit.kind), ["test", "installation"]);
  const photos = (await api(context, url, "GET", `/meters/${String(meterId)}/photos`)).body.items;
  assert.deepEqual(photos.map((photo) => photo.purpose).sort(), ["signature", "site"]);
  const seen = await walk.context.request.get(`${url}/api/v1/site-photos/${String(photos[0].photo_id)}`);
  assert.ok(seen.ok() && (await seen.body()).length === photos[0].size);

  // Another person accepts; then the meter is in the book.
  const life = (await api(context, url, "GET", `/meters/${String(meterId)}/life`)).body;
  const path = `/installations/${String(life.installations[0].installation_id)}/accept`;
  assert.equal((await api(context, url, "POST", path, { key: `own-${code}` })).status, 403);
  const { context: other } = await newPerson(browser, context, url, `f${tag}${digit}`, "operator");
  assert.equal((await api(other, url, "POST", path, { key: `acc-${code}` })).status, 200);
  assert.equal((await api(context, url, "GET", `/meters/${String(meterId)}/life`)).body.life, "in_use");
  await other.close();
}

/** In the page: the draft as the phone keeps it. */
function readDraft() {
  return new Promise((resolve) => {
    indexedDB.open("openmains-field").onsuccess = (event) => {
      event.target.result.transaction("kept").objectStore("kept").get("draft install").onsuccess = (found) => resolve(found.target.result);
    };
  });
}

async function sign(page) {
  const pad = at(page, "pad");
  await pad.scrollIntoViewIfNeeded();
  const box = await pad.boundingBox();
  await page.mouse.move(box.x + 20, box.y + 40);
  await page.mouse.down();
  for (let step = 1; step <= 20; step += 1) await page.mouse.move(box.x + 20 + step * 12, box.y + 40 + (step % 4) * 15);
  await page.mouse.up();
}
