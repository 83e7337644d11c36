// How SQL and the diagram look: axe finds nothing, nothing overflows, and a picture of each stays for a person.

import assert from "node:assert/strict";
import { Sql } from "./ask.js";
import { violations } from "./look.js";

const JOINED = `SELECT u."username", u."displayName", sum(t."amount") AS earned, count(*) AS entries, min(t."createdAt") AS since
FROM "milesTransactions" t
JOIN "users" u ON u."userId" = t."userId"
WHERE t."amount" > 0
GROUP BY u."userId"
ORDER BY earned DESC
LIMIT 50;`;

/** As if a column and a table were made by hand: what the server says of drift is in its own tests. */
async function drifted(route) {
  const body = await (await route.fetch()).json();
  const users = body.tables.find(({ table }) => table === "users");
  users.drift = ['column "extra" is not asked for', 'index "users_miles_idx" is not there'];
  body.tables.find(({ table }) => table === "flightPassengers").missing = true;
  await route.fulfill({ json: body });
}

function screens({ page, studio, facts }) {
  const sql = new Sql({ page, studio });
  const run = async (text) => {
    await sql.open();
    await sql.run(text);
  };
  const diagram = async () => {
    await studio.visit("/diagram");
    await page.locator("svg.er").waitFor();
  };
  return {
    sql: async () => {
      await run(JOINED);
      await studio.settled();
    },
    "sql-plan": async () => {
      await sql.open();
      await sql.write(JOINED);
      await sql.answered(() => sql.button(facts.engine === "postgres" ? "Explain and run" : "Explain", { exact: true }).click());
      const refused = page.locator(".sql-main .refusal");
      await page.getByRole("region", { name: "Plan" }).or(refused).waitFor();
      assert.equal(await refused.count(), 0, await refused.allInnerTexts());
    },
    "sql-refused": async () => {
      await run("SELECT missing FROM users");
      await sql.refusal();
    },
    "sql-writes": async () => {
      await run("DELETE FROM users");
      await sql.refusal();
    },
    "sql-cut": async () => {
      await run(`SELECT * FROM "milesTransactions" a, "users" b`);
      await page.locator(".sql-cut").waitFor();
    },
    "sql-empty": async () => {
      await run("SELECT 1 AS blank WHERE 1 = 0");
      await page.getByText("No rows.").waitFor();
    },
    "sql-completion": async () => {
      await sql.open();
      await sql.write("");
      await page.keyboard.type('SELECT * FROM "users" u WHERE u.', { delay: 20 });
      await page.locator(".cm-tooltip-autocomplete").getByText("displayName").waitFor();
    },
    diagram,
    "diagram-drift": async () => {
      await page.route("**/api/diagram", drifted);
      await diagram();
      await page.getByText("2 tables are not what this program asks for").waitFor();
      await page.unroute("**/api/diagram");
    },
  };
}

async function axe_finds_nothing_on_pages_that_ask({ page, studio, facts, watch }) {
  watch.expected = /status of 40[03]/;
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
async function pages_that_ask_fit({ browser, context, origin, facts, watch }) {
  watch.expected = /status of 40[03]/;
  const token = await context.pages()[0].evaluate(() => sessionStorage.getItem("skyteam"));
  for (const zoom of [1, 1.25, 2]) {
    const small = await browser.newContext({
      viewport: { width: Math.round(1280 / zoom), height: Math.round(720 / zoom) },
      deviceScaleFactor: zoom,
    });
    await small.addInitScript((value) => sessionStorage.setItem("skyteam", value), token);
    const page = await small.newPage();
    watch.page(page, origin);
    const settled = () => page.locator('.grid[aria-busy="false"][aria-activedescendant]').first().waitFor();
    const studio = { visit: (path) => page.goto(origin + path), settled };
    for (const [name, open] of Object.entries(screens({ page, studio, facts }))) {
      await open();
      // Where the window is as small as at 200 %, what is below the head is scrolled as a whole.
      const fixed = zoom < 2 ? ", .sql-editor, .sql-tools .button, .foot, .foot .button" : "";
      const layout = await page.evaluate((fixed) => {
        const inside = (selector) =>
          [...document.querySelectorAll(selector)].every((element) => {
            const box = element.getBoundingClientRect();
            return box.left >= -1 && box.right <= innerWidth + 1 && box.top >= -1 && box.bottom <= innerHeight + 1;
          });
        // The answer has room for its head and some rows.
        const answer = document.querySelector(".grid-area, .plan, .sql-problem, .diagram-body");
        return {
          overflow: document.documentElement.scrollWidth > innerWidth || document.documentElement.scrollHeight > innerHeight,
          frame: inside(`.topbar, .topbar > *, .nav, .screen-head .button${fixed}`),
          answer: !answer || answer.getBoundingClientRect().height >= 90,
        };
      }, fixed);
      assert.deepEqual(layout, { overflow: false, frame: true, answer: true }, `${name} at ${zoom * 100} %`);
      await page.screenshot({ path: `${facts.out}/zoom-${zoom * 100}-${name}.png` });
    }
    await small.close();
  }
}

export default [axe_finds_nothing_on_pages_that_ask, pages_that_ask_fit];
