// What the pages of a player, a flight, an airline and a product have in common.

import type { ComponentChildren } from "preact";
import type { Refusal } from "../api/types";
import { mayAct, open, type Form } from "../state/actions";
import { titleOf } from "../state/catalog";
import { useFocus } from "../state/hooks";
import { href, type SubjectView, tableOf, tableView } from "../state/route";
import { session } from "../state/session";
import { bothTimes, shownMinute } from "../state/zone";
import { grouped } from "../text/number";
import { Icon } from "./icon";
import { Link } from "./link";
import { RefusalBox } from "./refusal";
import { Text } from "./text";

interface SubjectProps {
  view: SubjectView;
  title: string;
  /** What is read beside the title. */
  beside?: ComponentChildren;
  problem: Refusal | null;
  children: ComponentChildren;
}

/** The frame of a subject's page. */
export function Subject({ view, title, beside, problem, children }: SubjectProps) {
  const table = tableOf(view);
  return (
    <main class="record" tabIndex={-1} ref={useFocus()}>
      <header class="screen-head">
        <div>
          <h1>
            <Text value={title} title />
          </h1>
          <p class="quiet subject-beside">
            {beside}
            <Link href={href(tableView(table))}>{titleOf(table)}</Link>
          </p>
        </div>
        <Link class="button" href={href({ screen: "record", table, key: encodeURIComponent(view.key) })}>
          All values
        </Link>
      </header>
      <div class="record-body subject-page" tabIndex={0} role="region" aria-label={title || "Record"}>
        {problem && (
          <RefusalBox refusal={problem}>
            <Link class="button" href={href(tableView(table))}>
              Go to {titleOf(table)}
            </Link>
          </RefusalBox>
        )}
        {children}
      </div>
    </main>
  );
}

/** Buttons for what can be done; nothing where nothing may be. */
export function Actions({ children }: { children: ComponentChildren }) {
  if (!mayAct()) return session.value && <p class="quiet card-note">This studio only reads: it was started with --read-only.</p>;
  return <div class="actions">{children}</div>;
}

interface ActProps {
  form: () => Form;
  children: ComponentChildren;
  primary?: boolean;
  loses?: boolean;
  disabled?: boolean;
  /** Why it cannot be done, or what it does. */
  title?: string | undefined;
}

export function Act({ form, children, primary = false, loses = false, disabled = false, title }: ActProps) {
  const kind = primary ? " primary" : loses ? " danger-quiet" : "";
  return (
    <button type="button" class={`button${kind}`} disabled={disabled} title={title} onClick={() => open(form())}>
      {children}
    </button>
  );
}

/** A small button in a line of a list. */
export function ActSmall({ form, label, children }: { form: () => Form; label: string; children: ComponentChildren }) {
  return (
    <button type="button" class="button small" aria-label={label} onClick={() => open(form())}>
      {children}
    </button>
  );
}

export function Facts({ facts }: { facts: [string, ComponentChildren][] }) {
  return (
    <dl class="fields">
      {facts.map(([name, value]) => (
        <div key={name} class="field-line">
          <dt>{name}</dt>
          <dd>
            <span class="field-value">{value}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

export function When({ at }: { at: string | null }) {
  if (!at) return <span class="quiet">–</span>;
  // Seconds are in the tooltip.
  return <time title={bothTimes(at)}>{shownMinute(at)}</time>;
}

export function Miles({ value, signed = false }: { value: number; signed?: boolean }) {
  return (
    <span class={value < 0 ? "negative" : undefined}>
      {signed && value > 0 ? "+" : ""}
      {grouped(value)}
    </span>
  );
}

interface ListProps {
  title: string;
  count?: ComponentChildren;
  columns: [string, "numeric"?][];
  label: string;
  empty: string;
  /** Buttons beside the title. */
  buttons?: ComponentChildren;
  rows: ComponentChildren[];
}

/** A list as a card. */
export function ListCard({ title, count, columns, label, empty, buttons, rows }: ListProps) {
  return (
    <section class="card">
      <h2>
        <span>{title}</span>
        <span class="card-buttons">
          {buttons}
          {count !== undefined && <span class="number quiet">{count}</span>}
        </span>
      </h2>
      {rows.length ? (
        <div class="preview-scroll" tabIndex={0} role="region" aria-label={label}>
          <table class="preview">
            <thead>
              <tr>
                {columns.map(([name, numeric]) => (
                  <th key={name} scope="col" class={numeric}>
                    {name || <span class="unseen">Do</span>}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>{rows}</tbody>
          </table>
        </div>
      ) : (
        <p class="quiet card-note">{empty}</p>
      )}
    </section>
  );
}

export function OpenIcon({ to, label }: { to: string; label: string }) {
  return (
    <Link class="icon-button small" href={to} aria-label={label}>
      <Icon name="right" />
    </Link>
  );
}
