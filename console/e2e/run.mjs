// SPDX-License-Identifier: Apache-2.0
// Walks the console in a real browser against a running demo, in both languages and several stories at a time, and takes pictures of the main pages.
//
//   npm run e2e                    starts the demo itself (a free pair of ports, data in OPENMAINS_E2E_VAR) and stops it after
//   OPENMAINS_E2E_URL=… OPENMAINS_E2E_PASSWORD=… npm run e2e      uses a demo that runs already, with OPENMAINS_NOTIFY_NETWORKS=127.0.0.0/8 (story notices)
//   … -- --screens                 also writes docs/screens/
//   … -- --tour                    also the pictures of docs/tour (--screens takes them too)
//   … -- --once                    each story in one language, in turn: half the time
//   … -- home judge budget         only these stories, or the budget of pages
//   … -- morning                   ten tasks of an operator, with their clicks and keystrokes (not part of the walk)
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { launch, PATIENCE_MS } from "./browser.mjs";
import { checkBudget } from "./budget.mjs";
import { startDemo } from "./demo.mjs";
import { walkMorning } from "./morning.mjs";
import { newPerson } from "./people.mjs";
import { pathPicture, takeScreens } from "./screens.mjs";
import { chosen, walk } from "./stories.mjs";
import { takeTour } from "./tour.mjs";

const PERSONS = 3; // who walk at a time: stories wait for meters and for the platform more than for a processor

const given = process.env.OPENMAINS_E2E_URL;
const demo =
  given === undefined
    ? await startDemo()
    : { url: given, coapPort: Number(process.env.OPENMAINS_E2E_COAP_PORT ?? 5683), password: process.env.OPENMAINS_E2E_PASSWORD, stop: async () => undefined };
const withScreens = process.argv.includes("--screens");
const once = process.argv.includes("--once");
const only = process.argv.slice(2).filter((word) => !word.startsWith("-")); // names of stories
const browser = await launch();
let failed = false;
try {
  const first = await signIn();
  const { signedIn } = first;
  const jobs = chosen(only, once, withScreens ? pathPicture : undefined);
  const parts = [
    async () => walk(browser, demo, await persons(first, Math.min(PERSONS, jobs.length)), jobs, once && only.length === 0),
    ...(only.includes("morning") ? ["zh", "en"].map((locale) => () => walkMorning(browser, demo, signedIn, locale)) : []),
    ...(only.length > 0 && !only.includes("budget") ? [] : [() => checkBudget(browser, demo, signedIn)]),
    ...(withScreens ? [() => takeScreens(browser, demo.url, signedIn)] : []),
    ...(withScreens || process.argv.includes("--tour") ? [() => takeTour(browser, demo.url, signedIn)] : []),
  ];
  for (const part of parts) {
    try {
      await part();
    } catch (error) {
      failed = true;
      console.error(error);
    }
  }
} catch (error) {
  failed = true;
  console.error(error);
} finally {
  await browser.close();
  await demo.stop();
}
console.log(failed ? "the walk failed" : "walked");
process.exit(failed ? 1 : 0); // a story that failed half way may have left a server of its own open

/** The first administrator and others beside them: what somebody prefers is kept with the person, and each story sets it as it needs it. */
async function persons(first, count) {
  const context = await browser.newContext({ storageState: first.signedIn });
  const others = [];
  for (let place = 2; place <= count; place += 1) {
    const made = await newPerson(browser, context, demo.url, `walker-${String(Date.now()).slice(-8)}-${String(place)}`, "administrator");
    others.push({ signedIn: await made.context.storageState(), password: made.password });
    await made.context.close();
  }
  await context.close();
  return [first, ...others];
}

/** Signs in through the page, changing the first password where that is asked; returns the browser state with the cookie, and the password. */
async function signIn() {
  const context = await browser.newContext();
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const kept = demo.passwordFile;
  const password = kept !== undefined && existsSync(kept) ? readFileSync(kept, "utf8") : demo.password;
  if (!password) throw new Error("no password: give OPENMAINS_E2E_PASSWORD");
  await page.goto(demo.url);
  await page.fill('input[name="username"]', "admin");
  await page.fill('input[name="password"]', password);
  await page.click('button[type="submit"]');
  await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"));
  if (kept !== undefined) writeFileSync(kept, password, { mode: 0o600 }); // the demo tells it once only
  if (new URL(page.url()).pathname === "/password") {
    const fresh = `e2e ${password}`;
    const fields = page.locator('input[type="password"]');
    await fields.nth(0).fill(password);
    await fields.nth(1).fill(fresh);
    await fields.nth(2).fill(fresh);
    await page.click('button[type="submit"]');
    await page.waitForURL((url) => url.pathname !== "/password");
    if (kept !== undefined) writeFileSync(kept, fresh);
  }
  await settled(context);
  const state = await context.storageState();
  await context.close();
  console.log("signed in");
  return { signedIn: state, password: kept === undefined ? password : readFileSync(kept, "utf8") };
}

/** A fresh demo still works through the past it sent itself; figures and answers settle when the stream is empty. */
async function settled(context) {
  const until = Date.now() + 180_000;
  for (;;) {
    const answer = await context.request.get(`${demo.url}/api/v1/system`);
    if (!answer.ok()) return; // a viewer may not ask
    const waiting = Object.values((await answer.json()).stream_lag).reduce((sum, lag) => sum + lag, 0);
    if (waiting < 100) return;
    if (Date.now() > until) throw new Error(`${waiting} messages still wait in the stream`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
