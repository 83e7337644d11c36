// Looking around: opening, filtering, sorting, following references, finding, exporting.

import assert from "node:assert/strict";

async function opens_by_its_link_once({ browser, page, facts, origin, watch }) {
  await page.goto(facts.url);
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  assert.equal(new URL(page.url()).hash, "", "the code is gone from the address");
  assert.equal(await page.locator(".table-card").count(), 7);
  // The same link elsewhere opens nothing.
  watch.expected = /401/;
  const stranger = await browser.newContext();
  const other = await stranger.newPage();
  watch.page(other, origin);
  await other.goto(facts.url);
  await other.getByRole("heading", { name: "This page has no session." }).waitFor();
  await stranger.close();
}

async function a_second_tab_goes_on_with_the_session({ context, origin, watch }) {
  const tab = await context.newPage();
  watch.page(tab, origin);
  await tab.goto(`${origin}/tables/users`);
  await tab.locator(".grid-body [role=row]").first().waitFor();
  await tab.close();
}

async function filters_sorts_and_remembers_in_the_address({ page, studio, facts }) {
  await studio.visit("/");
  await page.getByRole("navigation", { name: "Tables" }).getByText("Ledger").click();
  await studio.settled();
  assert.equal(await studio.count(), facts.entries);

  await studio.filter("type", "is", "spend");
  assert.equal(await studio.count(), facts.spends);
  assert.deepEqual(new Set(await studio.cells("type")), new Set(["spend"]));
  await page.getByRole("columnheader", { name: "amount" }).locator(".head-name").click();
  await studio.settled();
  await page.getByRole("columnheader", { name: "userId" }).locator(".head-name").click({ modifiers: ["Shift"] });
  await studio.settled();
  const amounts = (await studio.cells("amount")).map((text) => Number(text.replaceAll(",", "")));
  assert.deepEqual(amounts, [...amounts].sort((one, other) => other - one));

  const address = new URL(page.url());
  assert.equal(address.searchParams.get("filter"), "type:is:spend");
  assert.equal(address.searchParams.get("sort"), "-amount,userId");
  await page.reload();
  await studio.settled();
  assert.equal(await studio.count(), facts.spends);
  assert.equal(await page.locator('[aria-sort="descending"]').innerText(), "amount\n1");

  for (let step = 0; step < 3; step++) await page.goBack();
  await studio.settled();
  assert.equal(await studio.count(), facts.entries);
  assert.equal(await studio.pills.getByText("spend").count(), 0);
}

async function changes_and_removes_filters({ page, studio, facts }) {
  await studio.table("milesTransactions?filter=type%3Ais%3Aspend");
  await studio.pills.getByRole("button", { name: /^type/ }).click();
  const editor = page.getByRole("dialog", { name: "Filter" });
  await editor.getByLabel("Condition").selectOption("not");
  await editor.getByRole("button", { name: "Apply" }).click();
  await studio.until("the other rows", async () => (await studio.count()) === facts.entries - facts.spends);
  await studio.pills.getByRole("button", { name: "Remove the filter on type" }).click();
  await studio.until("all rows", async () => (await studio.count()) === facts.entries);
}

async function chooses_columns({ page, studio }) {
  await studio.table("users");
  await page.getByRole("button", { name: "Columns" }).click();
  const chooser = page.getByRole("dialog", { name: "Columns" });
  await chooser.getByRole("checkbox", { name: "avatarUrl" }).uncheck();
  await chooser.getByRole("button", { name: "Move miles left" }).click();
  await page.keyboard.press("Escape");
  const columns = await studio.columns();
  assert.ok(!columns.includes("avatarUrl"));
  assert.ok(columns.indexOf("miles") < columns.indexOf("displayName"), columns.join());
  await page.reload();
  await studio.settled();
  assert.deepEqual(await studio.columns(), columns);
}

async function follows_references_both_ways({ page, studio, facts }) {
  const { username, userId, entries } = facts.richest;
  await studio.table("users?sort=-miles");
  await studio.grid.press("]");
  await studio.panel.getByRole("heading", { name: username }).waitFor();
  const relation = studio.panel.getByRole("link", { name: /Ledger/ });
  assert.equal(await relation.innerText(), `Ledger\n${entries}`);
  await relation.click();
  await studio.settled();
  assert.equal(await studio.count(), entries);
  // The pill and the cells call the player by name.
  await studio.until("names in place of ids", async () => (await studio.cells("userId")).every((text) => text === username));
  await studio.pills.getByText(username).waitFor();

  await studio.toColumn("userId");
  await page.keyboard.press("o");
  await studio.panel.getByRole("heading", { name: username }).waitFor();
  assert.equal(new URL(page.url()).pathname, "/tables/users");
  assert.deepEqual(await studio.cells("userId"), [userId]);
  await page.keyboard.press("Escape");
  await studio.panel.waitFor({ state: "detached" });

  await page.goBack();
  await studio.settled();
  assert.equal(new URL(page.url()).pathname, "/tables/milesTransactions");
}

async function opens_a_record_with_what_refers_to_it({ page, studio, facts }) {
  await studio.visit(`/record/users?key=${facts.richest.userId}`);
  await page.getByRole("heading", { name: facts.richest.username, level: 1 }).waitFor();
  const ledger = page.locator(".card", { has: page.getByRole("link", { name: "Ledger", exact: true }) });
  await ledger.getByRole("row").nth(1).waitFor();
  await ledger.getByRole("link", { name: "Open record" }).first().click();
  await studio.until("the entry's own page", () => new URL(page.url()).pathname === "/record/milesTransactions");
  await page.getByRole("definition").filter({ hasText: facts.richest.username }).waitFor();
}

async function finds_a_player({ page, studio, facts }) {
  await studio.visit("/");
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  await page.keyboard.press("Control+k");
  await page.keyboard.type(facts.richest.username);
  await page.getByRole("option", { selected: true, name: `player ${facts.richest.username}` }).waitFor();
  await page.keyboard.press("Enter");
  await page.getByText(`@${facts.richest.username}`, { exact: true }).waitFor();
  assert.equal(new URL(page.url()).pathname, `/players/${facts.richest.userId}`);
}

async function loads_as_it_scrolls({ page, studio, facts }) {
  await studio.table("milesTransactions");
  const loaded = async () => Number(/^([\d,]+) loaded/.exec(await page.locator(".foot").innerText())[1].replaceAll(",", ""));
  await studio.until("three more pages", async () => {
    await studio.grid.press("PageDown");
    return (await loaded()) >= 400;
  });
  const nodes = await page.evaluate(() => document.querySelectorAll("*").length);
  assert.ok(nodes <= 1000, `${nodes} nodes`);
  await studio.grid.press("Control+End");
  await studio.until("the last page", async () => (await loaded()) <= 100 && (await page.locator(".cell.active").isVisible()));
  await studio.grid.press("Control+Home");
  await studio.until("the first row", async () => (await page.locator('.grid-row.current[aria-rowindex="2"]').count()) === 1);
  assert.ok(facts.entries > 400, "the world is large enough for this flow");
}

async function comes_back_to_where_one_was({ page, studio }) {
  await studio.table("milesTransactions?sort=createdAt");
  await studio.toColumn("userId");
  const row = () => page.locator(".grid-row.current").getAttribute("aria-rowindex");
  await studio.until("a row of the second page", async () => {
    await studio.grid.press("PageDown");
    return Number(await row()) > 110;
  });
  const left = await row();
  await page.keyboard.press("o");
  await studio.until("the player", () => new URL(page.url()).pathname === "/tables/users");
  await studio.settled();
  await page.goBack();
  await studio.until("the ledger again", () => new URL(page.url()).pathname === "/tables/milesTransactions");
  await studio.settled();
  assert.equal(await row(), left);
}

async function tells_nothing_from_empty_and_keeps_times_exact({ page, studio, facts }) {
  await studio.table(`users?filter=${encodeURIComponent(`userId:in:${JSON.stringify([facts.hostile.userId, facts.hostile.nullId])}`)}&sort=userId`);
  assert.deepEqual(await studio.cells("avatarUrl"), ["''", "null"]);
  await studio.table(`milesTransactions?filter=userId%3Ais%3A${facts.hostile.userId}`);
  assert.deepEqual(await studio.cells("createdAt"), ["2026-01-02 23:04:05.123456"]);
  await page.getByRole("button", { name: "UTC", exact: true }).click();
  assert.deepEqual(await studio.cells("createdAt"), ["2026-01-03 08:04:05.123456"]);
  await page.getByRole("button", { name: "Asia/Seoul" }).click();
}

/** No table has a number of 64 bits today; the page is answered as if `miles` were one. */
async function numbers_of_64_bits_keep_their_digits({ page, studio }) {
  const widest = "-9223372036854775808";
  await page.route("**/api/tables", async (route) => {
    const body = await (await route.fetch()).json();
    const users = body.tables.find(({ table }) => table === "users");
    users.columns.find(({ name }) => name === "miles").kind = "bigint";
    await route.fulfill({ json: body });
  });
  await page.route("**/api/tables/users/rows?*", async (route) => {
    const body = await (await route.fetch()).json();
    body.rows[0][body.columns.indexOf("miles")] = widest;
    await route.fulfill({ json: body });
  });
  await studio.table("users?columns=miles");
  assert.equal((await studio.cells("miles"))[0], "-9,223,372,036,854,775,808");
  await studio.grid.press("Control+c");
  await page.getByText("Copied 1 × 1 cells.").waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), widest);
  await page.unrouteAll();
}

async function exports_what_is_shown({ page, studio, facts }) {
  const save = async (format, name) => {
    await page.getByRole("button", { name: "Export" }).click();
    const dialog = page.getByRole("dialog", { name: "Export" });
    await dialog.getByRole("radio", { name: new RegExp(`^${format}`) }).check();
    const [download] = await Promise.all([page.waitForEvent("download"), dialog.getByRole("button", { name: "Download" }).click()]);
    await download.saveAs(`${facts.out}/${name}`);
    await dialog.waitFor({ state: "detached" });
  };
  await studio.table("users?sort=userId");
  await save("CSV", "users.csv");
  await save("JSON", "users.json");
  await save("Markdown", "users.md");
  await studio.table("milesTransactions?filter=type%3Ais%3Aspend&columns=amount%2Cid");
  await save("CSV", "spends.csv");
}

async function copies_a_rectangle({ page, studio }) {
  await studio.table("users?sort=userId&columns=userId,username,miles");
  await studio.grid.press("Shift+ArrowRight");
  await studio.grid.press("Shift+ArrowDown");
  await page.keyboard.press("Control+c");
  await page.getByText("Copied 2 × 2 cells.").waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  const ids = await studio.cells("userId");
  assert.deepEqual(
    copied.split("\n").map((line) => line.split("\t")[0]),
    ids.slice(0, 2),
  );
  // The same with the mouse: from the first cell to the one below and right of it.
  const cell = (row, column) => page.locator(`.grid-row[aria-rowindex="${row}"] [aria-colindex="${column}"]`);
  await cell(3, 1).hover();
  await page.mouse.down();
  await cell(5, 3).hover();
  await page.mouse.up();
  assert.equal(await page.locator(".cell.selected").count(), 9);
}

async function columns_are_as_wide_as_they_are_made({ page, studio }) {
  await studio.table("users?columns=userId,username,miles,createdAt");
  const head = page.getByRole("columnheader", { name: "username" });
  const wide = async () => Math.round((await head.boundingBox()).width);
  const cell = async () => Math.round((await page.locator('.grid-body [aria-colindex="2"]').first().boundingBox()).width);
  const first = await wide();
  await studio.toColumn("username");
  await studio.grid.press(">");
  await studio.until("a wider column", async () => (await wide()) === first + 24 && (await cell()) === first + 24);
  await studio.grid.press("<");
  await studio.until("the width before", async () => (await wide()) === first);
  const box = await head.boundingBox();
  await page.mouse.move(box.x + box.width - 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width + 98, box.y + box.height / 2, { steps: 4 });
  await page.mouse.up();
  await studio.until("the width of the drag", async () => Math.abs((await wide()) - first - 100) <= 2 && (await cell()) === (await wide()));
  for (let step = 0; step < 40; step++) await studio.grid.press("<");
  assert.equal(await wide(), 64, "no column vanishes");
}

export default [
  opens_by_its_link_once,
  a_second_tab_goes_on_with_the_session,
  filters_sorts_and_remembers_in_the_address,
  changes_and_removes_filters,
  chooses_columns,
  follows_references_both_ways,
  opens_a_record_with_what_refers_to_it,
  finds_a_player,
  loads_as_it_scrolls,
  comes_back_to_where_one_was,
  tells_nothing_from_empty_and_keeps_times_exact,
  numbers_of_64_bits_keep_their_digits,
  exports_what_is_shown,
  copies_a_rectangle,
  columns_are_as_wide_as_they_are_made,
];
