// What can be measured of how the page looks: axe finds nothing, nothing overflows, in light and dark, small and zoomed.
// Screenshots go to the folder of files for a person to look at.

import assert from "node:assert/strict";
import axe from "axe-core";

/** Every screen, each with how to get there. */
function screens({ page, studio, facts }) {
  const popover = async (button) => {
    await studio.table("users?sort=-miles");
    await page.getByRole("button", { name: button }).click();
    await page.locator(".popover").waitFor();
  };
  return {
    home: () => studio.visit("/").then(() => page.locator(".table-card").first().waitFor()),
    table: () => studio.table("milesTransactions?filter=type%3Ais%3Aspend&sort=-createdAt"),
    panel: async () => {
      await studio.table(`users?sort=-miles&peek=${facts.richest.userId}`);
      await studio.panel.locator(".fields").waitFor();
    },
    hostile: async () => {
      await studio.table(`users?filter=userId%3Ais%3A${facts.hostile.userId}&peek=${facts.hostile.userId}`);
      await studio.panel.locator(".fields").waitFor();
    },
    selection: async () => {
      await studio.table("milesTransactions");
      for (const key of ["Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowDown", "Shift+PageDown"]) await studio.grid.press(key);
    },
    filter: async () => {
      await studio.table("milesTransactions");
      await studio.toColumn("source");
      await studio.grid.press("f");
      await page.locator(".suggestions").waitFor();
    },
    columns: () => popover("Columns"),
    export: () => popover("Export"),
    record: async () => {
      await studio.visit(`/record/users?key=${facts.richest.userId}`);
      await page.locator(".preview").first().waitFor();
    },
    find: async () => {
      await studio.visit("/");
      await page.locator(".table-card").first().waitFor();
      await page.keyboard.press("Control+k");
      await page.keyboard.type(facts.richest.username.slice(0, 3));
      await page.getByRole("option", { name: /player/ }).first().waitFor();
    },
    keys: async () => {
      await studio.visit("/");
      await page.locator(".table-card").first().waitFor();
      await page.keyboard.press("?");
      await page.getByRole("dialog", { name: "Keys" }).waitFor();
    },
    error: async () => {
      await studio.table("users?filter=nothing%3Ais%3A1");
      await page.locator(".refusal").waitFor();
    },
    empty: async () => {
      await studio.table("users?filter=username%3Ais%3Anobody-goes-by-this");
      await page.locator(".empty").waitFor();
    },
  };
}

/** What axe finds on a screen, light and dark; each is kept as a picture. */
export async function violations(page, name, out) {
  const found = [];
  await page.evaluate(axe.source);
  for (const colours of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: colours });
    await page.screenshot({ path: `${out}/${colours}-${name}.png` });
    const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    for (const { id, nodes } of result.violations) {
      found.push(`${name}, ${colours}: ${id}: ${nodes.map((node) => node.html).join(" | ")}`);
    }
  }
  return found;
}

async function axe_finds_nothing({ page, studio, facts, watch }) {
  watch.expected = /status of 400/;
  const found = [];
  await page.emulateMedia({ reducedMotion: "reduce" });
  for (const [name, open] of Object.entries(screens({ page, studio, facts }))) {
    await open();
    // Names of references arrive after the rows.
    await page.waitForLoadState("networkidle");
    found.push(...(await violations(page, name, facts.out)));
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  assert.deepEqual(found, []);
}

async function axe_finds_nothing_where_no_session_is({ browser, origin, facts, watch }) {
  const stranger = await browser.newContext();
  const page = await stranger.newPage();
  watch.page(page, origin);
  await page.goto(`${origin}/tables/users`);
  await page.getByRole("heading", { name: "This page has no session." }).waitFor();
  const found = await violations(page, "gate", facts.out);
  await stranger.close();
  assert.deepEqual(found, []);
}

/** 1280×720, and the same zoomed to 125 % and 200 %, which is a smaller window with larger pixels. */
async function nothing_overflows({ browser, context, origin, facts, watch }) {
  const storageToken = await context.pages()[0].evaluate(() => sessionStorage.getItem("skyteam"));
  for (const zoom of [1, 1.25, 2]) {
    const small = await browser.newContext({
      viewport: { width: Math.round(1280 / zoom), height: Math.round(720 / zoom) },
      deviceScaleFactor: zoom,
    });
    await small.addInitScript((token) => sessionStorage.setItem("skyteam", token), storageToken);
    const page = await small.newPage();
    watch.page(page, origin);
    for (const [name, path, ready] of [
      ["table", `/tables/milesTransactions?filter=type%3Ais%3Aspend&sort=-amount`, ".cell.active"],
      ["panel", `/tables/users?peek=${facts.richest.userId}`, ".peek .fields"],
      ["record", `/record/users?key=${facts.richest.userId}`, ".preview"],
      ["home", "/", ".table-card"],
    ]) {
      await page.goto(origin + path);
      await page.locator(ready).first().waitFor();
      const layout = await page.evaluate(() => {
        const inside = (selector) =>
          [...document.querySelectorAll(selector)].every((element) => {
            const box = element.getBoundingClientRect();
            return box.left >= -1 && box.right <= innerWidth + 1 && box.top >= -1 && box.bottom <= innerHeight + 1;
          });
        const rows = [...document.querySelectorAll(".grid-row")].map((row) => row.getBoundingClientRect().height);
        return {
          overflow: document.documentElement.scrollWidth > innerWidth || document.documentElement.scrollHeight > innerHeight,
          foot: [...document.querySelectorAll(".foot > .button")].every(
            (button) => button.getBoundingClientRect().right <= button.parentElement.getBoundingClientRect().right,
          ),
          frame: inside(".topbar, .topbar > *, .nav, .foot, .foot > .button, .screen-head .button"),
          rows: rows.every((height) => height >= 24),
        };
      });
      assert.deepEqual(layout, { overflow: false, foot: true, frame: true, rows: true }, `${name} at ${zoom * 100} %`);
      await page.screenshot({ path: `${facts.out}/zoom-${zoom * 100}-${name}.png` });
    }
    await small.close();
  }
}

async function forced_colours_show_the_selection({ page, studio, facts }) {
  await page.emulateMedia({ forcedColors: "active" });
  await studio.table("users?sort=-miles");
  await studio.grid.press("Shift+ArrowRight");
  const colours = await page.evaluate(() => {
    const colour = (selector) => getComputedStyle(document.querySelector(selector)).backgroundColor;
    return [colour(".cell.selected"), colour(".cell:not(.selected)")];
  });
  assert.notEqual(colours[0], colours[1]);
  await page.screenshot({ path: `${facts.out}/forced-colours.png` });
  await page.emulateMedia({ forcedColors: null });
}

/** The database of the test is a local one; the page is answered as if it were in production. */
async function production_is_marked_on_every_screen({ page, studio, facts }) {
  await page.route("**/api/session", async (route) => {
    const body = await (await route.fetch()).json();
    body.target.kind = "production";
    await route.fulfill({ json: body });
  });
  for (const path of ["/", "/tables/users", `/record/users?key=${facts.richest.userId}`]) {
    await studio.visit(path);
    const bar = page.locator(".topbar");
    await bar.getByText("production", { exact: true }).waitFor();
    const colour = await bar.evaluate((element) => getComputedStyle(element).borderTopColor);
    assert.notEqual(colour, "rgba(0, 0, 0, 0)");
  }
  await page.screenshot({ path: `${facts.out}/production.png` });
  await page.unrouteAll();
}

async function the_switch_beats_the_system({ page, studio }) {
  await page.emulateMedia({ colorScheme: "dark" });
  await studio.visit("/");
  const isDark = () => page.evaluate(() => document.documentElement.matches(".dark"));
  assert.equal(await isDark(), true);
  await page.getByRole("button", { name: /^Colours/ }).click();
  assert.equal(await isDark(), false);
  await page.reload();
  await page.getByRole("button", { name: "Colours: light" }).click();
  assert.equal(await isDark(), true);
  await page.getByRole("button", { name: "Colours: dark" }).click();
  await page.emulateMedia({ colorScheme: null });
}

export default [
  axe_finds_nothing,
  axe_finds_nothing_where_no_session_is,
  nothing_overflows,
  forced_colours_show_the_selection,
  production_is_marked_on_every_screen,
  the_switch_beats_the_system,
];
