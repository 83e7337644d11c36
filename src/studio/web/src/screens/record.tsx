// A row on a page of its own, with the first rows of everything that refers to it.

import { readRows } from "../api/routes";
import type { Page } from "../api/types";
import { copyText } from "../parts/clipboard";
import { Icon } from "../parts/icon";
import { Link } from "../parts/link";
import { RefusalBox } from "../parts/refusal";
import { Text } from "../parts/text";
import { isNumeric, Shown } from "../parts/value";
import { columnOrPlain, tableNamed, titleOf, usualOrder } from "../state/catalog";
import { useFocus, useLoaded } from "../state/hooks";
import { wantLabels } from "../state/labels";
import { href, type RecordView, rowView, spellFilter, tableView } from "../state/route";
import { Fields, type RelationLink, relationsOf, titleOfRow, useRow } from "./row-facts";

const PREVIEW_ROWS = 5;
const PREVIEW_COLUMNS = 6;

export function RecordScreen({ view }: { view: RecordView }) {
  const { table, key } = view;
  const { value: row, problem } = useRow(table, key);
  return (
    <main class="record" tabIndex={-1} ref={useFocus()}>
      <header class="screen-head">
        <div>
          <h1>
            <Text value={titleOfRow(table, key, row)} title />
          </h1>
          <p class="quiet">
            <Link href={href(tableView(table))}>{titleOf(table)}</Link> · {table}
          </p>
        </div>
        <button type="button" class="button" onClick={() => void copyText(location.href, "the address")}>
          <Icon name="copy" />
          Copy link
        </button>
      </header>
      <div class="record-body" tabIndex={0} role="region" aria-label="Record">
        {problem && (
          <RefusalBox refusal={problem}>
            <Link class="button" href={href(tableView(table))}>
              Go to {titleOf(table)}
            </Link>
          </RefusalBox>
        )}
        {row && (
          <>
            <section class="card">
              <h2>Values</h2>
              <Fields table={table} row={row} copies />
            </section>
            <div class="record-side">
              {relationsOf(table, row).map((relation) => (
                <RelationCard key={href(relation.view)} relation={relation} />
              ))}
            </div>
          </>
        )}
      </div>
    </main>
  );
}

function RelationCard({ relation }: { relation: RelationLink }) {
  const { view, title, count, some } = relation;
  return (
    <section class="card">
      <h2>
        <Link href={href(view)}>{title}</Link>
        <span class="number quiet">{count}</span>
      </h2>
      {some ? <Preview relation={relation} /> : <p class="quiet card-note">None.</p>}
    </section>
  );
}

function Preview({ relation }: { relation: RelationLink }) {
  const { table, filters } = relation.view;
  const known = tableNamed(table);
  const query = { table, filters: filters.map(spellFilter), sort: known?.defaultSort ?? [], columns: null };
  const { value: page, problem } = useLoaded(async (signal) => {
    const found = await readRows(query, { limit: String(PREVIEW_ROWS) }, signal);
    wantLabels(
      found.columns.map((name) => columnOrPlain(table, name)),
      found.rows,
    );
    return found;
  }, [href(relation.view)]);
  if (problem) return <RefusalBox refusal={problem} />;
  return page && <PreviewTable relation={relation} page={page} />;
}

function PreviewTable({ relation, page }: { relation: RelationLink; page: Page }) {
  const { table } = relation.view;
  const known = tableNamed(table);
  const columns = (known ? usualOrder(known) : page.columns)
    .filter((name) => name !== relation.column && page.columns.includes(name))
    .slice(0, PREVIEW_COLUMNS)
    .map((name) => columnOrPlain(table, name));
  return (
    <div class="preview-scroll" tabIndex={0} role="region" aria-label={`First rows of ${relation.title}`}>
      <table class="preview">
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.name} scope="col" class={isNumeric(column) ? "numeric" : undefined}>
                {column.name}
              </th>
            ))}
            <th scope="col">
              <span class="unseen">Open</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {page.rows.map((row, index) => (
            <tr key={page.keys[index]}>
              {columns.map((column) => (
                <td key={column.name} class={isNumeric(column) ? "numeric" : undefined}>
                  <Shown column={column} value={row[page.columns.indexOf(column.name)] ?? null} short />
                </td>
              ))}
              <td>
                <Link class="icon-button small" href={href(rowView(table, page.keys[index]!))} aria-label="Open record">
                  <Icon name="right" />
                </Link>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
