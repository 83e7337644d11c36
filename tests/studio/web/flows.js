// Every flow through the page, one after another in one browser. Started as `node flows.js FACTS.json` by
// tests/studio/browser.rs, which has started the studio and knows what its database holds:
//
//   {"url": launch URL, "out": folder for files, "users": n, "entries": n, "spends": n,
//    "flows": "look" | "act" | "ask",
//    "richest": {"username", "userId", "entries": n}, "hostile": {"userId"}, "engine": "postgres" | "sqlite"}
//
// Prints a line for each flow and ends with 1 when one failed, after all have run.

import { mkdirSync, readFileSync } from "node:fs";
import { launch, reportViolations, Watch } from "./browser.js";
import act from "./flows/act.js";
import actLook from "./flows/act-look.js";
import ask from "./flows/ask.js";
import askLook from "./flows/ask-look.js";
import bad from "./flows/bad-days.js";
import browse from "./flows/browse.js";
import keyboard from "./flows/keyboard.js";
import look from "./flows/look.js";
import safety from "./flows/safety.js";
import { Studio } from "./studio.js";

const facts = JSON.parse(readFileSync(process.argv[2], "utf8"));
const only = process.argv[3];
const { origin } = new URL(facts.url);
mkdirSync(facts.out, { recursive: true });

const browser = await launch();
const context = await browser.newContext({ viewport: { width: 1440, height: 860 }, acceptDownloads: true });
await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin });
await context.addInitScript(reportViolations);
const page = await context.newPage();
page.setDefaultTimeout(15_000);
const watch = new Watch();
watch.page(page, origin);
const studio = new Studio(page, origin);
const world = { browser, context, page, studio, watch, facts, origin };

let failed = 0;
// Looking changes nothing that a flow counts; acting does, and has a world of its own.
const suites = { look: [browse, safety, keyboard, look, bad], act: [act.slice(0, 1), actLook, act.slice(1)], ask: [ask, askLook] };
const flows = suites[facts.flows].flat();
for (const flow of flows) {
  const { name } = flow;
  // The first flow opens the session that all others use.
  if (only && name !== only && flow !== flows[0]) continue;
  const began = Date.now();
  watch.expected = null;
  try {
    await flow(world);
    const faults = watch.take();
    if (faults.length) throw new Error(faults.join("\n"));
    console.log(`ok ${name} ${Date.now() - began} ms`);
  } catch (error) {
    failed += 1;
    watch.take();
    console.log(`FAILED ${name}: ${error.stack}`);
    await page.screenshot({ path: `${facts.out}/failed-${name}.png` }).catch(() => {});
  }
}
await browser.close();
process.exit(failed ? 1 : 0);
