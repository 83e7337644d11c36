// The list of tables at the left, with their sizes.

import { countShort, countWords } from "../parts/count";
import { Link } from "../parts/link";
import { Text } from "../parts/text";
import { tables, titleOf } from "../state/catalog";
import { href, route, tableView } from "../state/route";
import { missingWords } from "./home";

export function Nav() {
  const here = route.value;
  return (
    <nav class="nav" aria-label="Tables">
      <h2>
        <Link href="/" aria-current={here.screen === "home" ? "page" : undefined}>
          Tables
        </Link>
      </h2>
      <ul>
        {(tables.value ?? []).map((table) => (
          <li key={table.table}>
            <Link
              href={href(tableView(table.table))}
              title={`${table.table}${table.rows ? `: ${countWords(table.rows)} rows` : ""}`}
              aria-current={here.screen !== "home" && here.table === table.table ? "page" : undefined}
            >
              <span class="nav-name">
                {titleOf(table.table)}
                {titleOf(table.table) !== table.table && (
                  <span class="quiet">
                    <Text value={table.table} />
                  </span>
                )}
              </span>
              {missingWords(table) ? <span class="warn">!</span> : table.rows && <span class="number">{countShort(table.rows)}</span>}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
