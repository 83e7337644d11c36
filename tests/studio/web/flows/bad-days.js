// The server away, the session over, a link that no longer fits: the page says what is wrong and goes on by itself.

import assert from "node:assert/strict";

async function a_refusal_names_the_way_out({ page, studio, facts, watch }) {
  watch.expected = /status of 40[04]/;
  await studio.table("users?filter=nothing%3Ais%3A1");
  await page.getByRole("alert").getByText("nothing").first().waitFor();
  await page.getByRole("button", { name: "Show the whole table" }).click();
  await studio.settled();
  assert.equal(await studio.count(), facts.users);
  await studio.visit("/record/users?key=no-such-player");
  await page.getByRole("alert").waitFor();
  await page.getByRole("link", { name: "Go to Players" }).click();
  await studio.settled();
  await studio.visit("/tables/nothing");
  await page.getByRole("link", { name: "All tables" }).click();
  await page.locator(".table-card").first().waitFor();
}

async function an_empty_view_says_what_to_do({ page, studio, facts }) {
  await studio.table("users?filter=username%3Ais%3Anobody-goes-by-this");
  await page.getByRole("button", { name: "Remove all filters" }).click();
  await studio.until("all rows", async () => (await studio.count()) === facts.users);
}

async function goes_on_when_the_server_is_back({ context, page, studio, facts, watch }) {
  watch.expected = /ERR_INTERNET_DISCONNECTED/;
  await studio.table("users");
  await context.setOffline(true);
  await page.getByRole("button", { name: "Refresh" }).click();
  await page.getByText("The studio does not answer.").waitFor();
  assert.ok((await studio.cells("userId")).length > 0, "what was read stays on the screen");
  await page.screenshot({ path: `${facts.out}/away.png` });
  await context.setOffline(false);
  await page.getByText("The studio does not answer.").waitFor({ state: "detached" });
  await studio.until("the rows again", async () => (await studio.count()) === facts.users && (await studio.cells("userId")).length > 0);
}

async function a_session_that_is_over_says_how_to_go_on({ page, studio, watch }) {
  watch.expected = /status of 401/;
  await studio.table("users?sort=-miles");
  const token = await page.evaluate(() => {
    const held = sessionStorage.getItem("skyteam");
    sessionStorage.setItem("skyteam", "not-a-token");
    return held;
  });
  await page.reload();
  await page.getByRole("heading", { name: "This page has no session." }).waitFor();
  // Another tab opens a new link: this one goes on where it was.
  await page.evaluate((value) => new BroadcastChannel("skyteam.studio").postMessage({ token: value }), token);
  await studio.settled();
  assert.match(page.url(), /users\?sort=-miles$/);
}

export default [
  a_refusal_names_the_way_out,
  an_empty_view_says_what_to_do,
  goes_on_when_the_server_is_back,
  a_session_that_is_over_says_how_to_go_on,
];
