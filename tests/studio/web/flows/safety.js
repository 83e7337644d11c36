// Data that wants to be more than text, and pages that want to be this one.

import assert from "node:assert/strict";
import { createServer } from "node:http";

async function nothing_ran(page) {
  const found = await page.evaluate(() => ({
    ran: window.__xss !== undefined,
    planted: document.querySelectorAll("#app img, #app script, #app iframe, #app object, #app svg[onload]").length,
    links: [...document.querySelectorAll("a[href]")].map((link) => link.href).filter((href) => !/^https?:/.test(href)),
    open: [...document.querySelectorAll('a[target="_blank"]')].filter((link) => link.rel !== "noopener noreferrer").length,
  }));
  assert.deepEqual(found, { ran: false, planted: 0, links: [], open: 0 });
}

async function hostile_names_stay_text({ page, studio, facts }) {
  const { userId } = facts.hostile;
  await studio.table(`users?filter=userId%3Ais%3A${userId}&peek=${userId}`);
  await studio.panel.getByRole("heading").waitFor();
  await nothing_ran(page);
  assert.deepEqual(await studio.cells("username"), ["<img src=x onerror=window.__xss=1>"]);
  assert.deepEqual(await studio.cells("displayName"), ["\\u{202e}evil"], "a mark that turns text round is written out");

  await studio.visit(`/record/users?key=${userId}`);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await nothing_ran(page);

  await studio.table(`milesTransactions?filter=userId%3Ais%3A${userId}`);
  await studio.until("the name", async () => (await studio.cells("userId"))[0].startsWith("<img"));
  await nothing_ran(page);

  await studio.visit("/");
  await page.locator(".table-card").first().waitFor();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("<img");
  await page.getByRole("option", { name: /onerror/ }).first().waitFor();
  await nothing_ran(page);
  await page.keyboard.press("Escape");
}

async function hostile_addresses_are_no_links({ page, studio, facts }) {
  await studio.visit(`/record/airlines?key=${facts.hostile.airlineId}`);
  await page.getByText("javascript:window.__xss=1").waitFor();
  await nothing_ran(page);
}

async function secrets_are_never_here({ page, studio, facts }) {
  await studio.visit(`/record/airlines?key=${facts.hostile.airlineId}`);
  await page.getByText("••••").waitFor();
  const text = await page.content();
  assert.ok(!text.includes(facts.hostile.token));
}

/** A page of another origin: it can neither show the studio nor read from it. */
async function a_foreign_page_gets_nothing({ browser, origin }) {
  const foreign = createServer((_, answer) => {
    answer.setHeader("content-type", "text/html");
    answer.end(`<iframe src="${origin}/"></iframe><img src="${origin}/icon.svg">`);
  });
  await new Promise((resolve) => foreign.listen(0, "127.0.0.1", resolve));
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${foreign.address().port}/`);
    const read = await page.evaluate(async (target) => {
      const tries = [`${target}/`, `${target}/api/tables`, `${target}/studio.js`];
      return Promise.all(tries.map((url) => fetch(url).then(() => "read", () => "refused")));
    }, origin);
    assert.deepEqual(read, ["refused", "refused", "refused"]);
    const frames = await Promise.all(page.frames().slice(1).map((frame) => frame.evaluate(() => document.getElementById("app") !== null)));
    assert.deepEqual(frames, [false], "no frame holds the studio");
    const image = await page.evaluate(() => document.images[0].naturalWidth);
    assert.equal(image, 0);
  } finally {
    await context.close();
    foreign.close();
  }
}

export default [
  hostile_names_stay_text,
  hostile_addresses_are_no_links,
  secrets_are_never_here,
  a_foreign_page_gets_nothing,
];
