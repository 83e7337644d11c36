// A day's looking without a mouse: after every step one can see where the focus is.

import assert from "node:assert/strict";

/** Where the focus is, and whether it is drawn. */
async function focus(page) {
  return page.evaluate(() => {
    const element = document.activeElement;
    const shown = element.id !== "" || !element.matches(".grid") ? element : (element.querySelector(".cell.active") ?? element);
    const style = getComputedStyle(shown);
    const box = shown.getBoundingClientRect();
    return {
      name: `${element.tagName.toLowerCase()} ${element.getAttribute("aria-label") ?? element.textContent?.slice(0, 30)}`,
      drawn: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0,
      inView: box.bottom > 0 && box.top < innerHeight && box.width > 0,
      nowhere: element === document.body,
    };
  });
}

export async function seen(page, step) {
  const at = await focus(page);
  assert.ok(!at.nowhere && at.drawn && at.inView, `after ${step} the focus cannot be seen: ${JSON.stringify(at)}`);
}

async function the_whole_day_by_keys({ page, studio, facts }) {
  await studio.visit("/");
  await page.locator(".table-card").first().waitFor();
  await page.keyboard.press("Tab");
  await seen(page, "Tab");

  await page.keyboard.press("/");
  await seen(page, "/");
  await page.keyboard.type("ledger");
  await page.getByRole("option", { selected: true, name: /Ledger/ }).waitFor();
  await page.keyboard.press("Enter");
  await page.locator(".cell.active").waitFor();
  await studio.until("the grid has the focus", () => page.evaluate(() => document.activeElement.matches(".grid")));
  await seen(page, "opening a table");

  // Filter by the cell's own value, then sort, then turn the sorting round.
  await studio.toColumn("type");
  const value = (await studio.cells("type"))[0];
  await page.keyboard.press("f");
  await page.getByRole("dialog", { name: "Filter" }).waitFor();
  await seen(page, "f");
  await page.keyboard.press("Enter");
  await studio.pills.getByText(value).waitFor();
  await studio.settled();
  await page.locator(".cell.active").waitFor();
  await seen(page, "applying a filter");
  await studio.toColumn("amount");
  for (const order of ["descending", "ascending"]) {
    await page.keyboard.press("s");
    await page.locator(`[role=columnheader][aria-sort=${order}]`, { hasText: "amount" }).waitFor();
    await page.locator(".cell.active").waitFor();
    await seen(page, "s");
  }

  // Everywhere in the grid the active cell stays in sight.
  for (const key of ["PageDown", "ArrowDown", "End", "ArrowLeft", "Control+ArrowUp", "Control+ArrowRight", "Home", "PageUp"]) {
    await page.keyboard.press(key);
    await seen(page, key);
    const inside = await page.evaluate(() => {
      const grid = document.querySelector(".grid").getBoundingClientRect();
      const head = document.querySelector(".grid-head").getBoundingClientRect();
      const cell = document.querySelector(".cell.active").getBoundingClientRect();
      return cell.top >= head.bottom - 1 && cell.bottom <= grid.bottom + 1 && cell.left >= grid.left - 1 && cell.left < grid.right;
    });
    assert.ok(inside, `after ${key} the active cell is out of sight`);
  }

  // The panel follows the rows and closes; the keys go on in the grid.
  await page.keyboard.press("Enter");
  await studio.panel.getByRole("heading").waitFor();
  const first = new URL(page.url()).searchParams.get("peek");
  await page.keyboard.press("ArrowDown");
  await studio.until("the next row in the panel", () => new URL(page.url()).searchParams.get("peek") !== first);
  await page.keyboard.press("Escape");
  await studio.panel.waitFor({ state: "detached" });
  await seen(page, "Escape");

  // To the player and back.
  await studio.toColumn("userId");
  await page.keyboard.press("o");
  await studio.until("the player", () => new URL(page.url()).pathname === "/tables/users");
  await studio.settled();
  await seen(page, "o");
  await page.keyboard.press("Alt+ArrowLeft");
  await studio.until("the ledger again", () => new URL(page.url()).pathname === "/tables/milesTransactions");
  await studio.settled();
  await seen(page, "Alt-←");

  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await seen(page, "?");
  await page.keyboard.press("Escape");
  assert.ok(facts.entries > 0);
}

/** Every stop of the Tab key is drawn, all the way round. */
async function every_stop_of_the_tab_key_is_seen({ page, studio, facts }) {
  await studio.table(`users?filter=miles%3Age%3A0&peek=${facts.richest.userId}`);
  await studio.panel.locator(".fields").waitFor();
  const stops = [];
  for (let step = 0; step < 80; step++) {
    await page.keyboard.press("Tab");
    const at = await focus(page);
    if (stops.length > 1 && at.name === stops[0]) break;
    // Between the last stop and the first the focus is with the browser itself.
    if (at.nowhere) continue;
    assert.ok(at.drawn, `the focus on ${at.name} is not drawn`);
    stops.push(at.name);
  }
  for (const wanted of ["div Players", "Columns", "Export", "Refresh", "Remove the filter on miles", "Open player", "Close the panel (Esc)"]) {
    assert.ok(
      stops.some((stop) => stop.includes(wanted)),
      `${wanted} is no stop: ${stops.join(", ")}`,
    );
  }
}

export default [
  the_whole_day_by_keys,
  every_stop_of_the_tab_key_is_seen,
];
