// Statements of one's own and the diagram: run at the cursor, completed, explained, cancelled, cut, found again, saved.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { seen } from "./keyboard.js";

const ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
const MANY = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1001) SELECT i FROM n";

export class Sql {
  constructor({ page, studio }) {
    this.page = page;
    this.studio = studio;
    this.text = page.locator(".cm-content");
    this.side = page.getByRole("complementary", { name: "Statements" });
  }

  async open() {
    await this.studio.visit("/sql");
    await this.text.waitFor();
  }

  /** Writes this in place of what is there. */
  async write(text) {
    await this.text.focus();
    await this.page.keyboard.press("Control+a");
    await this.page.keyboard.insertText(text);
  }

  async written() {
    return (await this.text.locator(".cm-line").allInnerTexts()).join("\n");
  }

  /** Runs what is at the cursor; answers come one after another. */
  async run(text) {
    await this.write(text);
    await this.answered(() => this.page.keyboard.press("Control+Enter"));
  }

  async answered(ask) {
    const answer = this.page.waitForResponse((response) => response.url().endsWith("/api/sql") && response.request().method() === "POST");
    await ask();
    await answer;
  }

  button(name, options = {}) {
    return this.page.locator(".sql-tools").getByRole("button", { name, ...options });
  }

  async refusal() {
    const box = this.page.locator(".sql-problem .refusal");
    await box.waitFor();
    return box.innerText();
  }
}

async function opens({ page, facts }) {
  await page.goto(facts.url);
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
}

async function the_statement_at_the_cursor_is_run(world) {
  const { page, studio } = world;
  const sql = new Sql(world);
  await page.getByRole("navigation", { name: "Tables" }).getByRole("link", { name: "SQL" }).click();
  await sql.text.waitFor();
  await sql.run("SELECT 'one; two' AS a; -- three; four\nSELECT 5 AS five,\n  NULL AS blank, '' AS bare;\n");
  await studio.settled();
  assert.deepEqual(await studio.columns(), ["five", "blank", "bare"]);
  assert.deepEqual(await studio.cells("five"), ["5"]);
  for (let line = 0; line < 3; line++) await page.keyboard.press("ArrowUp");
  await sql.answered(() => page.keyboard.press("Control+Enter"));
  await studio.until("the first statement's answer", async () => (await studio.columns()).join() === "a");
  assert.deepEqual(await studio.cells("a"), ["one; two"]);
  // What is selected is run as it is; the button does the same as the keys.
  await sql.write("SELECT 1 AS one, 2 AS two");
  await page.keyboard.press("Home");
  for (let step = 0; step < "SELECT 1".length; step++) await page.keyboard.press("Shift+ArrowRight");
  await sql.answered(() => sql.button(/^Run/).click());
  await studio.until("one column", async () => (await studio.columns()).length === 1);
  // What was written stays while one looks elsewhere.
  await page.getByRole("navigation", { name: "Tables" }).getByRole("link", { name: "Diagram" }).click();
  await page.locator("svg.er").waitFor();
  await page.goBack();
  await sql.text.waitFor();
  assert.equal(await sql.written(), "SELECT 1 AS one, 2 AS two");
}

/** Takes the first completion. The editor leaves Enter to the text for a moment, for those who type on. */
async function completes(page) {
  const list = page.locator(".cm-tooltip-autocomplete");
  while (await list.count()) {
    await page.waitForTimeout(100);
    await page.keyboard.press("Enter");
  }
}

async function names_are_completed_from_the_live_schema(world) {
  const { page, facts } = world;
  const sql = new Sql(world);
  await sql.open();
  await sql.write("");
  await page.keyboard.type("sel", { delay: 20 });
  await page.locator(".cm-tooltip-autocomplete").getByText("SELECT", { exact: true }).waitFor();
  await page.keyboard.press("Escape");
  await sql.write("");
  await page.keyboard.type("SELECT count(*) FROM milesT", { delay: 20 });
  await page.locator(".cm-tooltip-autocomplete").getByText("milesTransactions").waitFor();
  await completes(page);
  assert.equal(await sql.written(), 'SELECT count(*) FROM "milesTransactions"');
  await page.keyboard.type(" t WHERE t.crea", { delay: 20 });
  await page.locator(".cm-tooltip-autocomplete").getByText("createdAt").waitFor();
  await completes(page);
  await page.keyboard.insertText(" IS NOT NULL");
  await sql.answered(() => page.keyboard.press("Control+Enter"));
  await world.studio.settled();
  assert.deepEqual(await world.studio.cells((await world.studio.columns())[0]), [facts.entries.toLocaleString("en").replaceAll(",", "")]);
}

async function a_plan_is_a_tree(world) {
  const { page, facts } = world;
  const sql = new Sql(world);
  await sql.open();
  await sql.write('SELECT u."username", sum(t."amount") FROM "milesTransactions" t JOIN "users" u ON u."userId" = t."userId" GROUP BY 1');
  await sql.answered(() => sql.button("Explain", { exact: true }).click());
  const plan = page.getByRole("region", { name: "Plan" });
  await plan.getByText(/users|\bu\b/).first().waitFor();
  await page.getByText("Not run: this is what the database means to do").waitFor();
  if (facts.engine !== "postgres") {
    assert.equal(await sql.button("Explain and run").count(), 0);
    return;
  }
  assert.ok((await plan.locator("ul ul").count()) > 0, "steps are within steps");
  await sql.answered(() => sql.button("Explain and run").click());
  await page.getByText(/execution time [\d.]+ ms/).waitFor();
}

async function what_writes_is_refused_with_the_way_out(world) {
  const { page, facts, studio, watch } = world;
  watch.expected = /status of 40[03]/;
  const sql = new Sql(world);
  await sql.open();
  await sql.run('DELETE FROM "users"');
  assert.match(await sql.refusal(), /skyteam db shell/);
  await sql.run("SELECT 1 AS a; SELECT\n  missing FROM users");
  assert.match(await sql.refusal(), /missing/);
  await page.getByRole("button", { name: "Show where" }).click();
  await page.keyboard.insertText("0 AS ");
  assert.equal(await sql.written(), "SELECT 1 AS a; SELECT\n  0 AS missing FROM users");
  await sql.answered(() => page.keyboard.press("Control+Enter"));
  await studio.settled();
  assert.deepEqual(await studio.columns(), ["missing"]);
  if (facts.engine === "postgres") {
    await sql.write("CREATE TABLE spy AS SELECT 1");
    await sql.answered(() => sql.button("Explain and run").click());
    assert.match(await sql.refusal(), /runs only what reads/);
  }
}

async function a_statement_is_cancelled_and_cut(world) {
  const { page, studio, watch } = world;
  watch.expected = /status of 4(00|04|09)/;
  const sql = new Sql(world);
  await sql.open();
  for (const cancel of [() => page.keyboard.press("Control+."), () => sql.button("Cancel").click()]) {
    await sql.write(ENDLESS);
    const began = page.waitForRequest((request) => request.url().endsWith("/api/sql") && request.method() === "POST");
    await page.keyboard.press("Control+Enter");
    await began;
    await page.getByText(/^Running, \d+ s of at most 30/).waitFor();
    await cancel();
    assert.match(await sql.refusal(), /cancelled/);
    await sql.run("SELECT 1 AS again");
    await studio.settled();
  }
  await sql.run(MANY);
  await page.getByRole("alert").getByText("Only the first 1,000 rows are shown: there are more.").waitFor();
  await page.getByText("1,000 rows", { exact: true }).waitFor();
}

async function tokens_are_masked(world) {
  const { page, studio, facts } = world;
  const sql = new Sql(world);
  await sql.open();
  await sql.run(`SELECT "airlineId", "token" AS t, '${facts.hostile.token}' AS u FROM "airlines" WHERE "airlineId" = 'hostile'`);
  await studio.until("the answer", async () => (await studio.columns()).includes("u"));
  assert.deepEqual(await studio.cells("u"), ["••••"]);
  assert.deepEqual(await studio.cells("t"), [facts.engine === "postgres" ? "••••" : "null"]);
  await sql.run(`SELECT "username" AS hostile FROM "users" WHERE "userId" = '${facts.hostile.userId}'`);
  await studio.until("the answer", async () => (await studio.columns()).join() === "hostile");
  assert.deepEqual(await studio.cells("hostile"), ["<img src=x onerror=window.__xss=1>"]);
  assert.equal(await page.evaluate(() => window.__xss), undefined);
}

async function what_was_run_is_found_again(world) {
  const { page, studio, watch } = world;
  watch.expected = /status of 400/;
  const sql = new Sql(world);
  await sql.open();
  await sql.run("SELECT 41 + 1 AS answer");
  await sql.run("SELECT no such thing");
  const history = sql.side.getByRole("button", { name: /SELECT/ });
  await history.filter({ hasText: "failed" }).first().waitFor();
  await history.filter({ hasText: "41 + 1" }).click();
  assert.equal(await sql.written(), "SELECT 41 + 1 AS answer");
  await sql.side.getByRole("button", { name: "richest" }).click();
  assert.match(await sql.written(), /^-- The five richest/);
  await sql.answered(() => page.keyboard.press("Control+Enter"));
  await studio.until("five rows", async () => (await page.getByText("5 rows", { exact: true }).count()) > 0);
  await sql.side.getByRole("button", { name: "Forget all" }).click();
  await sql.side.getByText("Nothing was run yet.").waitFor();
}

async function an_answer_is_saved(world) {
  const { page, facts } = world;
  const sql = new Sql(world);
  await sql.open();
  await sql.run(`SELECT 1 AS a, NULL AS b, 'x,"y"' AS c, '=1+1' AS d`);
  await world.studio.until("the answer", async () => (await world.studio.columns()).join() === "a,b,c,d");
  const saved = async (name) => {
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name, exact: true }).click();
    const path = `${facts.out}/${name}`;
    await (await download).saveAs(path);
    return readFileSync(path, "utf8");
  };
  assert.equal(await saved("CSV"), `a,b,c,d\r\n1,,"x,""y""",'=1+1\r\n`);
  assert.deepEqual(JSON.parse(await saved("JSON")), [{ a: 1, b: null, c: 'x,"y"', d: "=1+1" }]);
}

async function a_question_by_keys_alone(world) {
  const { page, studio } = world;
  await studio.visit("/");
  await page.locator(".table-card").first().waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("sql");
  await page.getByRole("option", { selected: true, name: /SQL/ }).waitFor();
  await page.keyboard.press("Enter");
  await page.locator(".cm-editor.cm-focused").waitFor();
  await seen(page, "opening SQL");
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText('SELECT "username" FROM "users" ORDER BY 1');
  await page.keyboard.press("Control+Enter");
  await studio.settled();
  await seen(page, "Ctrl-Enter");
  // Tab leaves the editor, past the buttons, into the answer.
  const passed = [];
  await studio.until("the answer has the focus", async () => {
    await page.keyboard.press("Tab");
    await seen(page, "Tab");
    passed.push(await page.evaluate(() => document.activeElement.textContent));
    return page.evaluate(() => document.activeElement.matches(".grid"));
  });
  assert.ok(passed.some((text) => text.startsWith("Run")) && passed.includes("Explain"), passed.join());
  await page.keyboard.press("ArrowDown");
  await seen(page, "ArrowDown");
  await page.keyboard.press("Control+c");
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.ok(copied.length > 0);
  await page.keyboard.press("Alt+ArrowLeft");
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  // The diagram, and from a box of it to its table.
  await page.keyboard.press("Control+k");
  await page.keyboard.type("diagram");
  await page.getByRole("option", { selected: true, name: /Diagram/ }).waitFor();
  await page.keyboard.press("Enter");
  await page.locator("svg.er").waitFor();
  await studio.until("a box has the focus", async () => {
    await page.keyboard.press("Tab");
    await seen(page, "Tab");
    return page.evaluate(() => document.activeElement.matches("svg.er a"));
  });
  await page.keyboard.press("Enter");
  await studio.settled();
  assert.match(new URL(page.url()).pathname, /^\/tables\//);
}

async function the_diagram_shows_and_leads(world) {
  const { page, studio, facts } = world;
  await studio.visit("/diagram");
  await page.getByText("The database is what this program asks for").waitFor();
  const boxes = page.locator(".er-table");
  await boxes.nth(6).waitFor();
  assert.equal(await boxes.count(), 7);
  const users = boxes.filter({ hasText: "users" }).filter({ hasText: "displayName" }).first();
  await studio.until("the count", async () => (await users.locator(".er-count").textContent()) === facts.users.toLocaleString("en"));
  const saved = async (name) => {
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name }).click();
    const done = await download;
    const path = `${facts.out}/${done.suggestedFilename()}`;
    await done.saveAs(path);
    return readFileSync(path, "utf8");
  };
  const svg = await saved("Save SVG");
  assert.match(svg, /^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
  assert.ok(svg.includes("milesTransactions") && !svg.includes("var(--"), "the file needs no style of this page");
  const mermaid = await saved("Save Mermaid");
  assert.match(mermaid, /^erDiagram\n/);
  await page.getByRole("button", { name: "Copy Mermaid" }).click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), mermaid);
  await users.getByRole("link").click();
  await studio.settled();
  assert.equal(new URL(page.url()).pathname, "/tables/users");
}

export default [
  opens,
  the_statement_at_the_cursor_is_run,
  names_are_completed_from_the_live_schema,
  a_plan_is_a_tree,
  what_writes_is_refused_with_the_way_out,
  a_statement_is_cancelled_and_cut,
  tokens_are_masked,
  what_was_run_is_found_again,
  an_answer_is_saved,
  a_question_by_keys_alone,
  the_diagram_shows_and_leads,
];
