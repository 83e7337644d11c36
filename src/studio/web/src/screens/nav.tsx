// The list of tables at the left, with their sizes.

import { countShort, countWords } from "../parts/count";
import { Link } from "../parts/link";
import { Text } from "../parts/text";
import { tables, titleOf } from "../state/catalog";
import { href, isPlace, type Route, route, tableOf, tableView } from "../state/route";
import { missingWords } from "./home";

/** The table that a place belongs to. */
function placeOf(here: Route): string | null {
  if (isPlace(here)) return null;
  return "table" in here ? here.table : tableOf(here);
}

export function Nav() {
  const here = route.value;
  const place = placeOf(here);
  return (
    <nav class="nav" aria-label="Tables">
      <h2>
        <Link href="/" aria-current={here.screen === "home" ? "page" : undefined}>
          Overview
        </Link>
      </h2>
      <ul>
        {(tables.value ?? []).map((table) => (
          <li key={table.table}>
            <Link
              href={href(tableView(table.table))}
              title={`${table.table}${table.rows ? `: ${countWords(table.rows)} rows` : ""}`}
              aria-current={place === table.table ? "page" : undefined}
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
      <ul class="nav-more">
        <li>
          <Link href="/sql" aria-current={here.screen === "sql" ? "page" : undefined}>
            SQL
          </Link>
        </li>
        <li>
          <Link href="/diagram" aria-current={here.screen === "diagram" ? "page" : undefined}>
            Diagram
          </Link>
        </li>
      </ul>
    </nav>
  );
}
