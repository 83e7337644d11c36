// One value as people read it, by the kind of its column. Nothing here is lost or rounded: what is copied and
// exported is the value itself.

import type { Column, Value } from "../api/types";
import { keyOfReference, labelOf } from "../state/labels";
import { href, tableView } from "../state/route";
import { bothTimes, shownTime } from "../state/zone";
import { grouped } from "../text/number";
import { pieces } from "../text/visible";
import { Link } from "./link";
import { Empty, Null, Text } from "./text";

const COLOUR = /^#[0-9a-f]{6}$/i;
const SHORT_ID = 8;
const BADGES = 4;

export function isNumeric(column: Column): boolean {
  return ["integer", "bigint", "decimal", "float"].includes(column.kind) && !column.references;
}

/** The address of the row that a reference names: its table, filtered to that row, with the row's panel open. */
export function referenceHref(column: Column, value: Value): string | null {
  if (!column.references || value === null || typeof value === "object") return null;
  const { table, column: target } = column.references;
  return href({
    ...tableView(table, [{ column: target, operator: "is", values: [String(value)] }]),
    peek: keyOfReference(value),
  });
}

function Reference({ column, value, short }: { column: Column; value: string | number; short: boolean }) {
  const id = String(value);
  const label = labelOf(column.references!.table, id);
  return (
    <Link class="reference" href={referenceHref(column, value)!} tabIndex={short ? -1 : 0} title={label ? id : undefined}>
      <Plain value={label ?? (short && column.kind === "uuid" ? id.slice(0, SHORT_ID) : id)} short={short} />
    </Link>
  );
}

function Amount({ value, signed }: { value: string | number; signed: boolean }) {
  const text = grouped(value);
  const negative = text.startsWith("-");
  return <span class={negative ? "negative" : undefined}>{signed && !negative && text !== "0" ? `+${text}` : text}</span>;
}

function Choice({ column, value }: { column: Column; value: string }) {
  const place = column.choices?.indexOf(value) ?? -1;
  return (
    <span class={`badge badge-${place < 0 ? "other" : place % BADGES}`}>
      <Text value={value} />
    </span>
  );
}

/** A text; in a cell, which keeps its direction to itself anyhow, without an element of its own. */
function Plain({ value, short }: { value: string; short: boolean }) {
  return short && pieces(value).every(({ mark }) => !mark) ? <>{value}</> : <Text value={value} />;
}

function Words({ value, short }: { value: string; short: boolean }) {
  return (
    <>
      {COLOUR.test(value) && <span class="swatch" style={{ backgroundColor: value }} />}
      <Plain value={value} short={short} />
    </>
  );
}

/** `short` is a cell of the grid: one line, keys abbreviated, no stops for the Tab key. */
export function Shown({ column, value, short }: { column: Column; value: Value; short: boolean }) {
  if (column.secret) return <span class="null">••••</span>;
  if (value === null) return <Null />;
  if (value === "") return <Empty />;
  if (typeof value === "object") {
    return (
      <>
        <Text value={value.cut} />…
      </>
    );
  }
  if (typeof value === "boolean") return <>{String(value)}</>;
  if (column.references) return <Reference column={column} value={value} short={short} />;
  if (isNumeric(column)) return <Amount value={value} signed={column.name === "amount"} />;
  const text = String(value);
  if (column.kind === "timestamp") {
    return (
      <time title={bothTimes(text)}>
        <Plain value={shownTime(text)} short={short} />
      </time>
    );
  }
  if (column.choices || column.kind === "enum") return <Choice column={column} value={text} />;
  if (column.kind === "uuid") {
    return (
      <span class="mono" title={text}>
        {short ? text.slice(0, SHORT_ID) : text}
      </span>
    );
  }
  return <Words value={text} short={short} />;
}
