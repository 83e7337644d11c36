// What is done at the page: tried, shown, done once, refused in the words of the command line.

import assert from "node:assert/strict";

/** A world of its own: what is done here changes what other flows count. */
async function opens({ page, facts }) {
  await page.goto(facts.url);
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
}

const dialogOf = (page, name) => page.getByRole("dialog", { name });

async function player(world, userId = world.facts.richest.userId) {
  await world.studio.visit(`/players/${userId}`);
  await world.page.locator(".balance strong").waitFor();
}

async function miles({ page }) {
  return Number((await page.locator(".balance strong").innerText()).replaceAll(",", ""));
}

async function entries({ studio, page, facts }) {
  const { token, origin } = await page.evaluate(() => ({ token: sessionStorage.getItem("skyteam"), origin: location.origin }));
  const answer = await page.request.get(`${origin}/api/tables/milesTransactions/count?filter=userId:is:${facts.richest.userId}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  assert.ok(studio && answer.ok());
  return (await answer.json()).n;
}

async function an_award_is_shown_then_done_once(world) {
  const { page, studio, facts } = world;
  await player(world);
  const [before, known] = [await miles(world), await entries(world)];
  await page.getByText("the ledger adds up").waitFor();
  await page.getByRole("button", { name: "Award…" }).click();
  const dialog = dialogOf(page, "Award miles");
  await dialog.getByLabel("Miles").fill("250");
  assert.equal(await dialog.getByRole("button", { name: "Award", exact: true }).isDisabled(), true, "a reason is needed");
  await dialog.getByLabel("Reason").fill("Won the quiz");
  await dialog.locator(".balance-change strong").getByText((before + 250).toLocaleString("en")).waitFor();
  const command = await dialog.locator(".command code").innerText();
  assert.match(command, new RegExp(`^skyteam miles award ${facts.richest.userId} 250 --note 'Won the quiz' --key studio-[0-9a-f]{24}$`));
  await dialog.getByRole("button", { name: "Copy the command" }).click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), command);
  await page.screenshot({ path: `${facts.out}/award.png` });
  assert.equal(await entries(world), known, "nothing is done by looking");
  await dialog.getByRole("button", { name: "Award", exact: true }).dblclick({ noWaitAfter: true });
  await dialog.waitFor({ state: "detached" });
  await studio.until("the new balance", async () => (await miles(world)) === before + 250);
  assert.equal(await entries(world), known + 1);
  await page.getByText("the ledger adds up").waitFor();
  const first = page.getByRole("region", { name: "Movements" }).getByRole("row").nth(1);
  assert.match(await first.innerText(), /\+250[^]*Won the quiz/);
}

async function an_overdraw_is_refused_in_the_words_of_the_command_line(world) {
  const { page, facts, watch } = world;
  watch.expected = /status of 40[049]/;
  await player(world);
  await page.getByRole("button", { name: "Spend…" }).click();
  const dialog = dialogOf(page, "Spend miles");
  await dialog.getByLabel("Miles").fill("2000000000");
  await dialog.getByLabel("Reason").fill("too much");
  await dialog.getByRole("alert").getByRole("heading").waitFor();
  assert.equal(await dialog.getByRole("alert").getByRole("heading").innerText(), facts.overdraw);
  assert.equal(await dialog.getByRole("button", { name: "Spend", exact: true }).isDisabled(), true);
  await page.screenshot({ path: `${facts.out}/refused.png` });
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
}

async function a_lost_answer_is_asked_again_by_its_key(world) {
  const { page, studio, watch } = world;
  watch.expected = /ERR_FAILED/;
  await player(world);
  const [before, known] = [await miles(world), await entries(world)];
  await page.getByRole("button", { name: "Award…" }).click();
  const dialog = dialogOf(page, "Award miles");
  await dialog.getByLabel("Miles").fill("11");
  await dialog.getByLabel("Reason").fill("lost");
  await dialog.locator(".balance-change").waitFor();
  let lost = 0;
  await page.route("**/api/actions", async (route) => {
    // It is done, and the answer never comes.
    await route.fetch();
    lost += 1;
    if (lost < 3) await route.abort();
    else await route.continue();
  });
  await dialog.getByRole("button", { name: "Award", exact: true }).click();
  await dialog.getByText("it is not known whether it was done").waitFor();
  await dialog.waitFor({ state: "detached" });
  await page.unrouteAll();
  await studio.until("the new balance", async () => (await miles(world)) === before + 11);
  assert.equal(await entries(world), known + 1);
}

async function a_large_award_is_asked_about(world) {
  const { page, studio, facts, watch } = world;
  watch.expected = /status of 428/;
  await player(world);
  const before = await miles(world);
  await page.getByRole("button", { name: "Award…" }).click();
  const dialog = dialogOf(page, "Award miles");
  await dialog.getByLabel("Miles").fill("1000000");
  await dialog.getByLabel("Reason").fill("jackpot");
  await dialog.getByText(/^This would ask: 1,000,000 miles/).waitFor();
  await dialog.getByRole("button", { name: "Award", exact: true }).click();
  await dialog.getByRole("heading", { name: /over 20 times the usual award/ }).waitFor();
  assert.equal(await miles(world), before, "nothing is done before the yes");
  await page.screenshot({ path: `${facts.out}/question.png` });
  await dialog.getByRole("button", { name: "Yes, award" }).click();
  await dialog.waitFor({ state: "detached" });
  await studio.until("the new balance", async () => (await miles(world)) === before + 1_000_000);
}

async function an_entry_is_reversed_once(world) {
  const { page, studio, watch } = world;
  watch.expected = /status of 428/;
  await player(world);
  const before = await miles(world);
  const first = page.getByRole("region", { name: "Movements" }).getByRole("row").nth(1);
  assert.match(await first.innerText(), /jackpot/);
  await first.getByRole("button", { name: /^Reverse/ }).click();
  const dialog = dialogOf(page, "Reverse an entry");
  await dialog.getByLabel("Reason").fill("no jackpot");
  await dialog.getByText(/^Entry /).waitFor();
  await dialog.getByRole("button", { name: "Reverse", exact: true }).click();
  // What the question is about was on the screen: one press is the yes to it.
  await dialog.waitFor({ state: "detached" });
  await studio.until("the old balance", async () => (await miles(world)) === before - 1_000_000);
  const undone = page.getByRole("region", { name: "Movements" }).getByRole("row").filter({ hasText: "jackpot" }).nth(1);
  assert.match(await undone.innerText(), /reversed/);
  assert.equal(await undone.getByRole("button").count(), 0);
}

async function an_award_by_keys_alone(world) {
  const { page, studio } = world;
  await player(world);
  const before = await miles(world);
  const drawn = async (step) => {
    const at = await page.evaluate(() => {
      const style = getComputedStyle(document.activeElement);
      return { drawn: style.outlineStyle !== "none", body: document.activeElement === document.body };
    });
    assert.ok(at.drawn && !at.body, `after ${step} the focus cannot be seen`);
  };
  await studio.until("the button by Tab", async () => {
    await page.keyboard.press("Tab");
    return page.evaluate(() => document.activeElement.textContent === "Award…");
  });
  await page.keyboard.press("Enter");
  await dialogOf(page, "Award miles").waitFor();
  await drawn("opening");
  await page.keyboard.type("5");
  await page.keyboard.press("Tab");
  await drawn("Tab");
  await page.keyboard.type("by keys");
  await page.locator(".balance-change").waitFor();
  await page.keyboard.press("Enter");
  await dialogOf(page, "Award miles").waitFor({ state: "detached" });
  await studio.until("the new balance", async () => (await miles(world)) === before + 5);
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Award…", "the focus is where it was");
}

async function a_product_is_redeemed_and_switched(world) {
  const { page, studio, facts, watch } = world;
  watch.expected = /status of 4(04|09|28)/;
  await player(world);
  const before = await miles(world);
  await page.getByRole("button", { name: "Redeem…" }).click();
  let dialog = dialogOf(page, "Redeem a product");
  await dialog.getByLabel("Product").fill(facts.product.productId);
  await dialog.locator(".balance-change").waitFor();
  await dialog.getByRole("button", { name: "Redeem", exact: true }).click();
  await dialog.waitFor({ state: "detached" });
  await studio.until("the new balance", async () => (await miles(world)) === before - facts.product.price);

  await studio.visit(`/products/${facts.product.productId}`);
  await page.getByRole("button", { name: "Take off sale…" }).click();
  dialog = dialogOf(page, "Take off sale");
  await dialog.getByText("active: yes → no").waitFor();
  await dialog.getByRole("button", { name: "Take off sale", exact: true }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByText("off sale", { exact: true }).first().waitFor();
  assert.equal(await page.getByRole("button", { name: "Redeem…" }).isDisabled(), true);
}

async function a_flight_is_planned_filled_and_ended(world) {
  const { page, studio, facts, watch } = world;
  watch.expected = /status of 40[049]/;
  await studio.visit(`/airlines/${facts.airline.airlineId}`);
  await page.getByRole("button", { name: "Plan a flight…" }).click();
  const plan = dialogOf(page, "Plan a flight");
  for (const [label, value] of [["Code", `${facts.airline.iata}4711`], ["Brand", facts.airline.brandId], ["From", "AMS"], ["To", "JFK"], ["Aircraft", "A330-900"], ["ROBLOX place", "1"]]) {
    await plan.getByLabel(label, { exact: false }).first().fill(value);
  }
  await plan.getByText("would be").waitFor();
  await page.screenshot({ path: `${facts.out}/plan.png` });
  await plan.getByRole("button", { name: "Plan", exact: true }).click();
  await page.getByRole("heading", { name: `${facts.airline.iata}4711` }).waitFor();
  assert.match(new URL(page.url()).pathname, /^\/flights\//);

  await page.getByRole("button", { name: "Start…" }).click();
  const start = dialogOf(page, "Start the flight");
  await start.getByText("would be").waitFor();
  await start.getByRole("button", { name: "Start", exact: true }).click();
  await start.waitFor({ state: "detached" });
  await page.locator(".subject-beside .badge", { hasText: "live" }).waitFor();

  await page.getByRole("button", { name: "Board…" }).click();
  const board = dialogOf(page, "Board a player");
  await board.getByLabel("Player").fill(facts.some[0]);
  await board.getByLabel("Miles").fill("50");
  await board.getByText("comes on board").waitFor();
  await board.getByRole("button", { name: "Board", exact: true }).click();
  await board.waitFor({ state: "detached" });
  await page.getByRole("region", { name: "Manifest" }).getByText(facts.some[0]).first().waitFor();

  // One of them is there already, one is misspelt: the list says so, and nothing is done.
  await page.getByRole("button", { name: "Paste a manifest…" }).click();
  const paste = dialogOf(page, "Paste a manifest");
  await paste.getByLabel("Passengers").fill(`${facts.some.join("\n")}\nno-such-player\n`);
  await paste.getByLabel("Miles", { exact: false }).last().fill("50");
  await paste.getByRole("region", { name: "Lines of the list" }).getByText("unknown").waitFor();
  await paste.getByText("already on board").waitFor();
  assert.equal(await paste.getByRole("button", { name: "Board all" }).isDisabled(), true);
  await page.screenshot({ path: `${facts.out}/manifest.png` });
  await paste.getByLabel("Passengers").fill(facts.some.join("\n"));
  await paste.getByRole("alert").waitFor({ state: "detached" });
  await studio.until("it can be done", async () => !(await paste.getByRole("button", { name: "Board all" }).isDisabled()));
  await paste.getByRole("button", { name: "Board all" }).click();
  await paste.waitFor({ state: "detached" });
  await studio.until("all on board", async () => (await page.locator(".balance strong").innerText()) === String(facts.some.length));

  await page.getByRole("button", { name: "End…" }).click();
  const end = dialogOf(page, "End the flight");
  await end.getByText("would be").waitFor();
  await end.getByRole("button", { name: "End", exact: true }).click();
  await end.waitFor({ state: "detached" });
  await page.locator(".subject-beside .badge", { hasText: "ended" }).waitFor();
}

async function a_token_is_shown_once(world) {
  const { page, studio, facts, watch } = world;
  watch.expected = /status of 428/;
  await studio.visit(`/airlines/${facts.airline.airlineId}`);
  await page.getByText(/^set \(sha256 [0-9a-f]{8}\)$/).waitFor();
  await page.getByRole("button", { name: "Rotate the token…" }).click();
  const dialog = dialogOf(page, "Rotate the token");
  await studio.until("it can be done", async () => !(await dialog.getByRole("button", { name: "Rotate", exact: true }).isDisabled()));
  await dialog.getByRole("button", { name: "Rotate", exact: true }).click();
  await dialog.getByRole("button", { name: "Yes, rotate" }).click();
  const shown = dialogOf(page, "The new token");
  const token = await shown.locator("code").innerText();
  assert.match(token, /^[a-z0-9]{24}$/);
  await page.screenshot({ path: `${facts.out}/token.png` });
  await shown.getByRole("button", { name: "I have it" }).click();
  await shown.waitFor({ state: "detached" });
  assert.ok(!(await page.content()).includes(token), "it is gone with the dialog");
}

async function a_player_is_renamed_and_erased(world) {
  const { page, studio, facts, watch } = world;
  watch.expected = /status of 4(28|04)/;
  await player(world, "667");
  await page.getByRole("button", { name: "Rename…" }).click();
  const rename = dialogOf(page, "Rename");
  await rename.getByLabel("Username").fill("renamed667");
  await rename.getByText("username: plainnull → renamed667").waitFor();
  await rename.getByRole("button", { name: "Rename", exact: true }).click();
  await rename.waitFor({ state: "detached" });
  await page.getByText("@renamed667").waitFor();

  await page.getByRole("button", { name: "Erase…" }).click();
  const erase = dialogOf(page, "Erase this player");
  await studio.until("it can be asked", async () => !(await erase.getByRole("button", { name: "Erase", exact: true }).isDisabled()));
  await erase.getByRole("button", { name: "Erase", exact: true }).click();
  await erase.getByText(/leaves every table; this cannot be undone/).waitFor();
  await erase.getByLabel("Type renamed667 to go on").fill("somebody");
  await erase.getByRole("button", { name: "Erase", exact: true }).click();
  await erase.getByText("somebody is not the name").waitFor();
  await erase.getByRole("button", { name: "Erase", exact: true }).click();
  await erase.getByLabel("Type renamed667 to go on").fill("renamed667");
  await page.screenshot({ path: `${facts.out}/erase.png` });
  await erase.getByRole("button", { name: "Erase", exact: true }).click();
  await erase.waitFor({ state: "detached" });
  await studio.until("the list of players", () => new URL(page.url()).pathname === "/tables/users");
}

async function a_flight_a_brand_and_an_airline_are_edited(world) {
  const { page, facts, watch } = world;
  watch.expected = /status of 4(28|00|04)/;
  const change = async (dialog, label, value, told) => {
    await dialog.getByLabel(label).fill(value);
    await dialog.getByText(told).waitFor();
    await dialog.getByRole("button", { name: "Change", exact: true }).click();
    await dialog.waitFor({ state: "detached" });
  };
  await page.goto(`${world.origin}/flights/${facts.unboarded}`);
  await page.getByRole("button", { name: "Edit…" }).click();
  const flight = dialogOf(page, "Edit the flight");
  await flight.getByText("Nothing to change: it is so already.").waitFor();
  await change(flight, "Aircraft", "Concorde", /^aircraft: .* → Concorde$/);
  await page.locator(".subject").getByText("Concorde").waitFor();

  await page.goto(`${world.origin}/airlines/${facts.airline.airlineId}`);
  const brands = page.getByRole("region", { name: "Brands" });
  await brands.getByRole("button", { name: /^Edit the brand/ }).first().click();
  await change(dialogOf(page, "Edit the brand"), "Callsign", "SPEEDBIRD TWO", /^callsign: .* → SPEEDBIRD TWO$/);
  await brands.getByText("SPEEDBIRD TWO").waitFor();
  await page.getByRole("button", { name: "Edit…", exact: true }).first().click();
  await change(dialogOf(page, "Edit the airline"), "Name", "Another Airline", /^name: .* → Another Airline$/);
  await page.getByRole("heading", { name: "Another Airline", level: 1 }).waitFor();
}

async function a_flight_without_passengers_is_deleted(world) {
  const { page, studio, facts, watch } = world;
  watch.expected = /status of 4(28|04)/;
  await page.goto(`${world.origin}/flights/${facts.flight}`);
  await page.getByRole("button", { name: "Edit…" }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Delete…" }).count(), 0, "not offered where passengers are on board");
  await page.goto(`${world.origin}/flights/${facts.unboarded}`);
  await page.getByRole("button", { name: "Delete…" }).click();
  const dialog = dialogOf(page, "Delete the flight");
  const button = dialog.getByRole("button", { name: "Delete", exact: true });
  await studio.until("it can be asked", async () => !(await button.isDisabled()));
  assert.equal(await dialog.getByText("would be").count(), 0);
  await button.click();
  await dialog.getByLabel(`Type ${facts.database} to go on`).fill(facts.database);
  await button.click();
  await dialog.waitFor({ state: "detached" });
  await studio.until("the list of flights", () => new URL(page.url()).pathname === "/tables/flights");
}

/** The page is answered as if its database were production, or the studio started with --read-only. */
async function answered(page, change) {
  await page.route("**/api/session", async (route) => {
    const body = await (await route.fetch()).json();
    change(body);
    await route.fulfill({ json: body });
  });
}

async function production_is_locked_until_its_name_is_typed(world) {
  const { page, facts, watch } = world;
  watch.expected = /status of 428/;
  await answered(page, (body) => {
    body.target.kind = "production";
    body.locked = true;
  });
  await player(world);
  await page.locator(".topbar").getByText("locked", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Award…" }).click();
  const dialog = dialogOf(page, "Award miles");
  await dialog.getByLabel("Miles").fill("5");
  await dialog.getByLabel("Reason").fill("locked");
  await dialog.locator(".balance-change").waitFor();
  assert.equal(await dialog.getByRole("button", { name: "Award", exact: true }).isDisabled(), true);
  await page.screenshot({ path: `${facts.out}/locked.png` });
  await dialog.getByLabel(/^This is production/).fill("other");
  await dialog.getByRole("button", { name: "Unlock" }).click();
  await dialog.getByText(/is not the name/).waitFor();
  await dialog.getByLabel(/^This is production/).fill(facts.database);
  await dialog.getByRole("button", { name: "Unlock" }).click();
  await dialog.getByLabel(/^This is production/).waitFor({ state: "detached" });
  assert.equal(await dialog.getByRole("button", { name: "Award", exact: true }).isDisabled(), false);
  await page.keyboard.press("Escape");
  await page.unrouteAll();
}

async function several_are_awarded_at_once_and_taken_back_from_the_ledger(world) {
  const { page, studio, facts, watch } = world;
  watch.expected = /status of 428/;
  await studio.table("milesTransactions?sort=-createdAt");
  const before = await studio.count();
  await page.getByRole("button", { name: "Award miles…" }).click();
  const dialog = dialogOf(page, "Award miles");
  await dialog.getByLabel("Players").fill(facts.some.join(", "));
  await dialog.getByLabel("Miles").fill("10");
  await dialog.getByLabel("Reason").fill("ground crew");
  await dialog.locator(".effects-list li").nth(2).waitFor();
  await dialog.getByRole("button", { name: "Award", exact: true }).click();
  await dialog.waitFor({ state: "detached" });
  await studio.until("the entries in the grid", async () => (await studio.count()) === before + 3);
  await studio.settled();
  assert.deepEqual((await studio.cells("note")).slice(0, 3), ["ground crew", "ground crew", "ground crew"]);

  // From the panel of one of them the whole batch is taken back.
  await studio.grid.press("Control+Home");
  await studio.until("the first row", async () => (await page.locator('.grid-row.current[aria-rowindex="2"]').count()) === 1);
  await studio.grid.press("]");
  await studio.panel.getByText("ground crew").waitFor();
  await studio.panel.getByRole("button", { name: "Reverse…" }).click();
  const reverse = dialogOf(page, "Reverse an entry");
  await reverse.getByLabel("Reason").fill("wrong crew");
  await reverse.getByLabel("The whole batch that it belongs to").check();
  await reverse.getByText(/^Batch .*: 3 entries of 3 users/).waitFor();
  await reverse.getByRole("button", { name: "Reverse", exact: true }).click();
  await reverse.waitFor({ state: "detached" });
  await studio.until("the entries that take them back", async () => (await studio.count()) === before + 6);
}

async function nothing_is_offered_where_nothing_may_be_done(world) {
  const { page } = world;
  await answered(page, (body) => {
    body.readOnly = true;
  });
  await player(world);
  await page.getByText("it was started with --read-only").waitFor();
  assert.equal(await page.getByRole("button", { name: "…" }).count(), 1, "only Find… is left");
  await page.unrouteAll();
}

async function the_overview_says_what_goes_on(world) {
  const { page, studio } = world;
  await studio.visit("/");
  await page.getByRole("region", { name: "Largest movements" }).getByRole("row").nth(1).waitFor();
  await page.getByRole("img", { name: /miles earned and .* spent in 30 days/ }).waitFor();
  await page.getByText("backups: proved").waitFor();
  await page.getByText("no backup of this database is known to have been proved").waitFor();
}

export default [
  opens,
  an_award_is_shown_then_done_once,
  an_overdraw_is_refused_in_the_words_of_the_command_line,
  a_lost_answer_is_asked_again_by_its_key,
  a_large_award_is_asked_about,
  an_entry_is_reversed_once,
  an_award_by_keys_alone,
  a_product_is_redeemed_and_switched,
  a_flight_is_planned_filled_and_ended,
  a_token_is_shown_once,
  several_are_awarded_at_once_and_taken_back_from_the_ledger,
  the_overview_says_what_goes_on,
  production_is_locked_until_its_name_is_typed,
  nothing_is_offered_where_nothing_may_be_done,
  a_player_is_renamed_and_erased,
  a_flight_a_brand_and_an_airline_are_edited,
  a_flight_without_passengers_is_deleted,
];
