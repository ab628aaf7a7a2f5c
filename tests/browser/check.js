// Opens pages in a real browser: axe on phone and desktop, reflow at 320 px, keyboard, and deciding without script.
// Usage: node check.js < job.json; the job: {pages: [{name, url}], decide: {url, outcome, reason}, shots: folder|null}.
// Prints one JSON object: {pages: [{name, width, violations, overflow, ms}], steps: [...], requests: [...]}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const job = JSON.parse(readFileSync(0, "utf8"));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage"],
});
const result = { pages: [], steps: [], requests: [], console: [] };

async function open(options) {
  const context = await browser.newContext({ locale: "sv-SE", ...options });
  const page = await context.newPage();
  page.on("request", (request) => result.requests.push(request.url()));
  page.on("console", (message) => result.console.push(message.text()));
  return page;
}

for (const { name, url } of job.pages) {
  for (const width of [320, 1280]) {
    const page = await open({ viewport: { width, height: 900 } });
    const begun = Date.now();
    await page.goto(url, { waitUntil: "load" });
    const ms = Date.now() - begun;
    // What stands behind buttons is looked at too.
    await page.evaluate(() => document.querySelectorAll("details").forEach((part) => { part.open = true; }));
    // Through the debugger, so that the page's policy, which forbids script, stays as it is.
    await page.evaluate(axe);
    const found = await page.evaluate(() => axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
    }));
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    const violations = found.violations.map((violation) => ({
      id: violation.id, impact: violation.impact,
      where: violation.nodes.map((node) => `${node.target.join(" ")}: ${node.failureSummary}`),
    }));
    result.pages.push({ name, width, violations, checked: found.passes.length, overflow, ms });
    if (job.shots) {
      await page.evaluate(() => document.querySelectorAll("details").forEach((part) => { part.open = false; }));
      await page.screenshot({ path: `${job.shots}/${name}-${width}.png`, fullPage: true });
    }
    await page.context().close();
  }
}

if (job.shots) {
  // The picture of the README.
  const page = await open({ viewport: { width: 860, height: 1340 } });
  await page.goto(job.pages[0].url);
  await page.screenshot({ path: `${job.shots}/case-page.png` });
  await page.context().close();
}

// Presses Enter and waits for the page that answers: it may stand under the same address, so it is the load that tells.
async function submitted(page) {
  const loaded = page.waitForEvent("load");
  await page.keyboard.press("Enter");
  await loaded;
}

if (job.decide) {
  // Without script, on a phone, with the keyboard alone.
  const page = await open({ javaScriptEnabled: false, viewport: { width: 360, height: 740 } });
  await page.goto(job.decide.url);
  await page.keyboard.press("Tab");
  const skip = page.locator("a.skip");
  result.steps.push({ step: "skip link", text: await skip.textContent(), seen: (await skip.boundingBox()).x >= 0 });
  await page.locator(`input[name=outcome][value=${job.decide.outcome}]`).focus();
  await page.keyboard.press("Space");
  await page.locator("textarea[name=reason]").focus();
  await page.keyboard.type(job.decide.reason);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await submitted(page);
  result.steps.push({ step: "without the tick", title: await page.locator("title").textContent(), text: await page.locator("[role=alert]").innerText() });
  result.steps.push({ step: "kept", text: await page.locator("textarea").inputValue() });
  await page.locator("#unbiased").focus();
  await page.keyboard.press("Space");
  await page.keyboard.press("Tab");
  await submitted(page);
  result.steps.push({ step: "asked again", title: await page.locator("title").textContent(), text: await page.locator("h1").innerText() });
  await page.locator("button[type=submit]").focus();
  await submitted(page);
  result.steps.push({ step: "done", title: await page.locator("title").textContent(), text: await page.locator("[role=status]").innerText() });
  await page.context().close();
}
await browser.close();
console.log(JSON.stringify(result));
