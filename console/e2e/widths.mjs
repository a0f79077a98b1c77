// SPDX-License-Identifier: Apache-2.0
// Every page at three widths and in both schemes: nothing wider than the screen, no action that cannot be reached, axe without serious findings.
// Pages come from the routes themselves, so that a new one is looked at without being named here. The frame stays, pages change in it, and a
// page is loaded once. Where a walk is brief, axe looks at each third page: it takes as long as all the rest.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkAccess } from "./browser.mjs";

const WIDTHS = [1440, 1024, 390];
const source = fileURLToPath(new URL("../src/features", import.meta.url));
const pages = readdirSync(source)
  .toSorted()
  .map((context) => join(source, context, "routes.ts"))
  .filter((file) => existsSync(file))
  .flatMap((file) => [...readFileSync(file, "utf8").matchAll(/path: "(\/[^":]*)"/g)].map(([, at]) => at))
  .filter((at) => !["/sign-in", "/password", "/gallery"].includes(at));

/** What sticks out of the page, and what can be pressed but not reached. */
function lookForOverflow(width) {
  const reached = (node) => {
    for (let above = node.parentElement; above !== null && above !== document.body; above = above.parentElement) {
      if (/auto|scroll/.test(getComputedStyle(above).overflowX)) return true;
    }
    return false;
  };
  const far = [...document.querySelectorAll("main button, main a[href], main input, main select, main summary")].filter((node) => {
    const box = node.getBoundingClientRect();
    return box.width > 0 && (box.right > width + 1 || box.left < -1) && !reached(node) && getComputedStyle(node).visibility !== "hidden" && !node.closest(".visually-hidden");
  });
  return { wide: document.documentElement.scrollWidth, far: far.slice(0, 3).map((node) => node.getAttribute("aria-label") ?? node.textContent.trim().slice(0, 30) ?? node.tagName) };
}

/** From page to page inside the console, as its own links do. */
async function open(page, at) {
  await page.evaluate((to) => {
    document.querySelector("main > *")?.setAttribute("data-before", ""); // it has a heading too, and stands until the next page's code is there
    history.pushState({}, "", to);
    dispatchEvent(new PopStateEvent("popstate", { state: {} }));
  }, at);
  await page.waitForFunction((to) => location.pathname === to && document.querySelector("main > [data-before]") === null && document.querySelector("main h1") !== null && document.querySelector("main [aria-busy='true']") === null, at);
}

/** Where the page is and what it waits for. */
function standing(page) {
  return page.evaluate(() => `${location.href} h1 ${document.querySelector("main h1")?.textContent ?? "none"} ${document.querySelector("main [aria-busy='true']")?.outerHTML.slice(0, 300) ?? "waits for nothing"}`);
}

export const widthStories = {
  async widths({ page, url, locale, findings, brief }) {
    await page.setViewportSize({ width: WIDTHS[0], height: 900 });
    await page.goto(`${url}/profile`);
    await page.locator("main h1").waitFor();
    for (const [place, at] of pages.entries()) {
      const dark = (place + (locale === "zh" ? 0 : 1)) % 2 === 1; // the other language sees it in the other scheme
      await page.evaluate((on) => document.documentElement.classList.toggle("dark", on), dark);
      try {
        await open(page, at);
      } catch (error) {
        findings.push(`widths ${at} ${locale}: ${String(error).split("\n")[0]}: ${await standing(page)}`);
        continue;
      }
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 900 });
        const { wide, far } = await page.evaluate(lookForOverflow, width);
        if (wide > width) findings.push(`widths ${at} ${locale} ${String(width)}: ${String(wide)} px wide`);
        if (far.length > 0) findings.push(`widths ${at} ${locale} ${String(width)}: cannot be reached: ${far.join(", ")}`);
      }
      if (!brief || place % 3 === 0) await checkAccess(page, `widths ${at} ${locale} ${dark ? "dark" : "light"} 390`, findings, "main");
      await page.setViewportSize({ width: WIDTHS[0], height: 900 });
    }
    await page.evaluate(() => document.documentElement.classList.remove("dark"));
  },
};
