// Every key, in one place.

import { Dialog } from "../parts/dialog";

const GROUPS: { title: string; keys: [string, string][] }[] = [
  {
    title: "Anywhere",
    keys: [
      ["Ctrl K or /", "find a player, flight, airline, entry or table"],
      ["Alt ←", "back"],
      ["?", "this list"],
    ],
  },
  {
    title: "In a table",
    keys: [
      ["← ↑ → ↓", "move; with Shift, select a rectangle"],
      ["Ctrl ← ↑ → ↓", "to the edge of what is loaded"],
      ["PgUp / PgDn", "a screen up or down"],
      ["Home / End", "first or last column"],
      ["Ctrl Home / Ctrl End", "first or last row of the table"],
      ["Ctrl A", "select all that is loaded"],
      ["Ctrl C", "copy as cells for a spreadsheet"],
      ["f", "filter by this cell"],
      ["s / Shift s", "sort by this column; also by this column"],
      ["o", "go to what this cell refers to"],
      ["Enter or ]", "show the row in the panel"],
      ["Esc or [", "close the panel"],
      ["< / >", "narrower, wider column"],
      ["r", "read again"],
    ],
  },
  {
    title: "In SQL",
    keys: [
      ["Ctrl Enter", "run the statement at the cursor, or what is selected"],
      ["Ctrl .", "cancel it"],
      ["Ctrl Space", "complete"],
      ["Tab", "leave the editor"],
    ],
  },
];

export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" class="help" onClose={onClose}>
      {GROUPS.map(({ title, keys }) => (
        <section key={title}>
          <h3>{title}</h3>
          <dl class="key-list">
            {keys.map(([key, does]) => (
              <div key={key}>
                <dt>
                  <kbd>{key}</kbd>
                </dt>
                <dd>{does}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
      <p class="help-foot">
        <a href="/licenses.txt" target="_blank" rel="noopener noreferrer">
          Licences of what this page is made of
        </a>
      </p>
    </Dialog>
  );
}
