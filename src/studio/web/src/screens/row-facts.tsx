// What a row holds, what it refers to and what refers to it: the body of the panel and of a record's page.

import { useEffect } from "preact/hooks";
import { readRow } from "../api/routes";
import type { Row, Value } from "../api/types";
import { plain } from "../grid/clipboard";
import { copyText } from "../parts/clipboard";
import { countWords } from "../parts/count";
import { Icon } from "../parts/icon";
import { Link } from "../parts/link";
import { Text } from "../parts/text";
import { Shown } from "../parts/value";
import { changes } from "../state/actions";
import { columnOrPlain, nounOf, tableNamed, titleOf } from "../state/catalog";
import { type Loaded, useLoaded } from "../state/hooks";
import { learnLabel } from "../state/labels";
import { decoded, href, tableView, type TableView } from "../state/route";

/** Milliseconds that the active cell rests on a row before it is read. */
const PAUSE_MS = 60;

const UUID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/i;
const SHORT_ID = 8;

export function useRow(table: string, key: string): Loaded<Row> {
  const loaded = useLoaded((signal) => readRow(table, key, signal), [table, key, String(changes.value)], PAUSE_MS);
  useEffect(() => {
    for (const { table: other, key: otherKey, label } of loaded.value?.references ?? []) {
      if (label) learnLabel(other, decoded(otherKey), label);
    }
  }, [loaded.value]);
  return loaded;
}

/** What a row is called: by its label, else by its table and the beginning of its key. */
export function titleOfRow(table: string, key: string, row: Row | null): string {
  if (row?.label) return row.label;
  const parts = key.split(",").map((part) => {
    const text = decoded(part);
    return UUID.test(text) ? text.slice(0, SHORT_ID) : text;
  });
  return `${nounOf(table)} ${parts.join(" · ")}`;
}

/** A web address, and nothing that a browser would run. */
function webAddress(value: Value): string | null {
  if (typeof value !== "string" || !/^https?:\/\//i.test(value)) return null;
  return URL.canParse(value) ? value : null;
}

interface FieldsProps {
  table: string;
  row: Row;
  /** Whether each value has a button that copies it. */
  copies: boolean;
}

export function Fields({ table, row, copies }: FieldsProps) {
  const known = tableNamed(table)?.columns ?? [];
  const secrets = known.filter((column) => column.secret && !row.columns.includes(column.name));
  return (
    <dl class="fields">
      {row.columns.map((name, index) => {
        const column = columnOrPlain(table, name);
        const value = row.row[index] ?? null;
        const address = webAddress(value);
        return (
          <div key={name} class="field-line">
            <dt>
              <Text value={name} />
            </dt>
            <dd>
              <span class="field-value">
                <Shown column={column} value={value} short={false} />
                {address && (
                  <a class="outside" href={address} target="_blank" rel="noopener noreferrer" aria-label={`Open ${name} in a new tab`}>
                    <Icon name="open" />
                  </a>
                )}
              </span>
              {copies && value !== null && value !== "" && (
                <button
                  type="button"
                  class="icon-button small"
                  aria-label={`Copy ${name}`}
                  onClick={() => void copyText(plain(value), name)}
                >
                  <Icon name="copy" />
                </button>
              )}
            </dd>
          </div>
        );
      })}
      {secrets.map((column) => (
        <div key={column.name} class="field-line">
          <dt>{column.name}</dt>
          <dd title="Secret: the studio never reads it">
            <Shown column={column} value={null} short={false} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

export interface RelationLink {
  view: TableView;
  title: string;
  count: string;
  column: string;
  some: boolean;
}

/** The tables that refer to a row, each as a view of just those rows. */
export function relationsOf(table: string, row: Row): RelationLink[] {
  const known = tableNamed(table)?.relations ?? [];
  return row.relations.flatMap(({ table: other, column, count }) => {
    const to = known.find((relation) => relation.table === other && relation.column === column)?.to;
    const value = to === undefined ? null : (row.row[row.columns.indexOf(to)] ?? null);
    if (value === null) return [];
    const ambiguous = other === table || row.relations.filter((relation) => relation.table === other).length > 1;
    return {
      view: tableView(other, [{ column, operator: "is", values: [plain(value)] }]),
      title: ambiguous ? `${titleOf(other)} by ${column}` : titleOf(other),
      count: countWords(count),
      column,
      some: count.n > 0,
    };
  });
}

export function Relations({ table, row }: { table: string; row: Row }) {
  const relations = relationsOf(table, row);
  if (!relations.length) return null;
  return (
    <nav class="relations" aria-label="Rows that refer to this one">
      {relations.map(({ view, title, count }) => (
        <Link key={href(view)} href={href(view)}>
          <span>{title}</span>
          <span class="number">{count}</span>
        </Link>
      ))}
    </nav>
  );
}
