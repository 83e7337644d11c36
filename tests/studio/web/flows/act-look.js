// How the pages with actions look: axe finds nothing, nothing overflows, and a picture of each stays for a person.

import assert from "node:assert/strict";
import { violations } from "./look.js";

function screens({ page, studio, facts }) {
  const visit = async (path, ready) => {
    await studio.visit(path);
    await page.locator(ready).first().waitFor();
  };
  const open = async (path, button, name) => {
    await visit(path, ".subject .button");
    await page.getByRole("button", { name: button }).first().click();
    await page.getByRole("dialog", { name }).waitFor();
  };
  const rich = `/players/${facts.richest.userId}`;
  return {
    overview: () => visit("/", ".findings li"),
    player: () => visit(rich, ".preview tbody tr"),
    "player-hostile": () => visit(`/players/${facts.hostile.userId}`, ".preview tbody tr"),
    flight: () => visit(`/flights/${facts.flight}`, ".preview tbody tr"),
    airline: () => visit(`/airlines/${facts.airline.airlineId}`, ".preview tbody tr"),
    "airline-hostile": () => visit(`/airlines/${facts.hostile.airlineId}`, ".subject"),
    product: () => visit(`/products/${facts.product.productId}`, ".subject"),
    "award-shown": async () => {
      await open(rich, "Award…", "Award miles");
      await page.getByRole("dialog").getByLabel("Miles").fill("250");
      await page.getByRole("dialog").getByLabel("Reason").fill("Won the quiz");
      await page.locator(".balance-change").waitFor();
    },
    "spend-refused": async () => {
      await open(rich, "Spend…", "Spend miles");
      await page.getByRole("dialog").getByLabel("Miles").fill("2000000000");
      await page.getByRole("dialog").getByLabel("Reason").fill("Too much");
      await page.locator(".action .refusal").waitFor();
    },
    "award-asked": async () => {
      await open(rich, "Award…", "Award miles");
      await page.getByRole("dialog").getByLabel("Miles").fill("1000000");
      await page.getByRole("dialog").getByLabel("Reason").fill("Won the quiz");
      await page.locator(".effects .warn").waitFor();
      await page.getByRole("dialog").getByRole("button", { name: "Award", exact: true }).click();
      await page.locator(".question").waitFor();
    },
    manifest: async () => {
      await open(`/flights/${facts.flight}`, "Paste a manifest…", "Paste a manifest");
      await page.getByRole("dialog").getByLabel("Passengers").fill(`${facts.some.join("\n")}\nno-such-player`);
      await page.getByRole("dialog").getByLabel("Miles", { exact: false }).last().fill("50");
      await page.getByRole("region", { name: "Lines of the list" }).waitFor();
    },
    plan: () => open(`/airlines/${facts.airline.airlineId}`, "Plan a flight…", "Plan a flight"),
    "edit-flight": () => open(`/flights/${facts.unboarded}`, "Edit…", "Edit the flight"),
    "edit-brand": () => open(`/airlines/${facts.airline.airlineId}`, /^Edit the brand/, "Edit the brand"),
    erase: () => open(rich, "Erase…", "Erase this player"),
  };
}

async function axe_finds_nothing_on_pages_with_actions({ page, studio, facts, watch }) {
  watch.expected = /status of 4(00|04|09|28)/;
  const found = [];
  await page.emulateMedia({ reducedMotion: "reduce" });
  for (const [name, open] of Object.entries(screens({ page, studio, facts }))) {
    await open();
    await page.waitForLoadState("networkidle");
    found.push(...(await violations(page, name, facts.out)));
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  assert.deepEqual(found, []);
}

/** 1280×720, and the same zoomed to 125 % and 200 %. */
async function pages_with_actions_fit({ browser, context, origin, facts, watch }) {
  watch.expected = /status of 4(00|04|09|28)/;
  const token = await context.pages()[0].evaluate(() => sessionStorage.getItem("skyteam"));
  for (const zoom of [1, 1.25, 2]) {
    const small = await browser.newContext({
      viewport: { width: Math.round(1280 / zoom), height: Math.round(720 / zoom) },
      deviceScaleFactor: zoom,
    });
    await small.addInitScript((value) => sessionStorage.setItem("skyteam", value), token);
    const page = await small.newPage();
    watch.page(page, origin);
    const studio = { visit: (path) => page.goto(origin + path) };
    for (const [name, open] of Object.entries(screens({ page, studio, facts }))) {
      await open();
      const layout = await page.evaluate(() => {
        const inside = (selector) =>
          [...document.querySelectorAll(selector)].every((element) => {
            const box = element.getBoundingClientRect();
            return box.left >= -1 && box.right <= innerWidth + 1 && box.top >= -1 && box.bottom <= innerHeight + 1;
          });
        // What a box scrolls may be wide; the box itself may not.
        const wide = [...document.querySelectorAll(".card, .action-form > *")].filter((box) => box.scrollWidth > box.clientWidth + 1);
        return {
          overflow: document.documentElement.scrollWidth > innerWidth || document.documentElement.scrollHeight > innerHeight,
          frame: inside(".topbar, .topbar > *, .nav, .screen-head .button, dialog"),
          wide: wide.map((box) => box.className),
        };
      });
      assert.deepEqual(layout, { overflow: false, frame: true, wide: [] }, `${name} at ${zoom * 100} %`);
      await page.screenshot({ path: `${facts.out}/zoom-${zoom * 100}-${name}.png` });
    }
    await small.close();
  }
}

export default [axe_finds_nothing_on_pages_with_actions, pages_with_actions_fit];
