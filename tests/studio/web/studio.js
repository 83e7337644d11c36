// What a person does at the page, by the names that they see.

import assert from "node:assert/strict";

export class Studio {
  constructor(page, origin) {
    this.page = page;
    this.origin = origin;
    this.grid = page.getByRole("grid");
    this.pills = page.getByRole("group", { name: "Filters" });
    this.panel = page.getByRole("complementary", { name: "Row" });
  }

  /** Opens an address of the page, as a link would. */
  async visit(path) {
    await this.page.goto(this.origin + path);
  }

  async table(path) {
    await this.visit(`/tables/${path}`);
    await this.settled();
  }

  /** Until the rows of the view are there, or the message in their place. */
  async settled() {
    await this.page.locator('.grid[aria-busy="false"][aria-activedescendant], .grid-area > .empty, .grid-area > .refusal').first().waitFor();
  }

  /** The number in the title of a table. */
  async count() {
    const text = this.page.locator(".screen-head p");
    await this.until("a count in the title", async () => /· [\d,]+ /.test(await text.innerText()));
    return Number(/· ([\d,]+) /.exec(await text.innerText())[1].replaceAll(",", ""));
  }

  /** The names of the columns, as they are shown. */
  columns() {
    return this.page.locator(".head-name bdi").allInnerTexts();
  }

  /** The texts of a column in the rows that are in the document, from the top. */
  async cells(column) {
    const place = (await this.columns()).indexOf(column) + 1;
    assert.ok(place > 0, `no column ${column}`);
    const cells = this.page.locator(`.grid-body [role="gridcell"][aria-colindex="${place}"]`);
    return cells.evaluateAll((all) =>
      all
        .map((cell) => ({ cell, top: cell.getBoundingClientRect().top }))
        .sort((one, other) => one.top - other.top)
        .map(({ cell }) => cell.innerText),
    );
  }

  /** Adds a filter with the mouse. */
  async filter(column, operator, value) {
    await this.pills.getByRole("button", { name: "Filter", exact: true }).click();
    const editor = this.page.getByRole("dialog", { name: "Filter" });
    await editor.getByLabel("Column").selectOption(column);
    await editor.getByLabel("Condition").selectOption(operator);
    const choice = editor.getByRole("checkbox", { name: value }).or(editor.getByRole("radio", { name: value }));
    if (await choice.count()) await choice.check();
    else if (value !== undefined) await editor.getByRole("textbox").first().fill(value);
    await editor.getByRole("button", { name: "Apply" }).click();
    await editor.waitFor({ state: "detached" });
    await this.settled();
  }

  /** Puts the active cell on a column of the current row, by keys. */
  async toColumn(column) {
    const place = (await this.columns()).indexOf(column);
    await this.grid.press("Home");
    for (let step = 0; step < place; step++) await this.grid.press("ArrowRight");
  }

  /** Waits for a state, never for a time. */
  async until(what, happens) {
    const end = Date.now() + 15_000;
    while (!(await happens())) {
      if (Date.now() > end) throw new Error(`never: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
