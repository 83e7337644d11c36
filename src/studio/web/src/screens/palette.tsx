// Find: players, flights, airlines, entries, tables and what the page can do, from one field.

import { useEffect, useState } from "preact/hooks";
import { planForm } from "../actions/flights";
import { awardForm } from "../actions/miles";
import { ApiError, isAbort } from "../api/http";
import { find } from "../api/routes";
import type { Found } from "../api/types";
import { Dialog } from "../parts/dialog";
import { Text } from "../parts/text";
import { mayAct, open } from "../state/actions";
import { tables, titleOf } from "../state/catalog";
import { showHelp } from "../state/overlays";
import { go, rowView, tableView } from "../state/route";
import { stop } from "../state/session";
import { nextTheme, theme } from "../state/theme";
import { localZone, switchZone, zone } from "../state/zone";

const PAUSE_MS = 120;

interface Entry {
  id: string;
  kind: string;
  label: string;
  hint: string;
  run: () => void;
}

function entriesOf(found: Found[]): Entry[] {
  return found.map(({ kind, table, key, label, hint }) => ({
    id: `${table} ${key}`,
    kind,
    label,
    hint: hint ?? "",
    run: () => go(rowView(table, key)),
  }));
}

/** What needs no server: the tables and the switches of the page. */
function ownEntries(text: string): Entry[] {
  const entries: Entry[] = (tables.value ?? []).map(({ table }) => ({
    id: `table ${table}`,
    kind: "table",
    label: titleOf(table),
    hint: table,
    run: () => go(tableView(table)),
  }));
  const add = (label: string, hint: string, run: () => void): void => {
    entries.push({ id: label, kind: "action", label, hint, run });
  };
  add("SQL", "ask the database", () => go({ screen: "sql" }));
  add("Diagram", "tables and what they refer to", () => go({ screen: "diagram" }));
  if (mayAct()) {
    add("Award miles…", "to one player or several", () => open(awardForm(null)));
    add("Plan a flight…", "", () => open(planForm(null)));
  }
  if (localZone.value) add(`Show times in ${zone.value === "UTC" ? localZone.value : "UTC"}`, "", switchZone);
  add("Change light and dark", `now ${theme.value}`, nextTheme);
  add("Show the keys", "?", showHelp);
  add("Stop the studio", "ends the server", () => void stop());
  const wanted = text.toLowerCase();
  return entries.filter(({ label, hint }) => `${label} ${hint}`.toLowerCase().includes(wanted));
}

function useFound(text: string): { found: Found[]; note: string } {
  const [state, setState] = useState<{ found: Found[]; note: string }>({ found: [], note: "" });
  useEffect(() => {
    const stopper = new AbortController();
    const timer = setTimeout(async () => {
      if (!text) return setState({ found: [], note: "" });
      try {
        setState({ found: await find(text, stopper.signal), note: "" });
      } catch (error) {
        if (isAbort(error)) return;
        if (!(error instanceof ApiError)) throw error;
        setState({ found: [], note: error.refusal.message });
      }
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      stopper.abort();
    };
  }, [text]);
  return state;
}

export function Palette({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const { found, note } = useFound(text.trim());
  const entries = [...entriesOf(found), ...ownEntries(text.trim())];
  const chosen = Math.min(at, entries.length - 1);
  const run = (entry: Entry | undefined): void => {
    if (!entry) return;
    onClose();
    entry.run();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) setAt((chosen + step + entries.length) % entries.length);
    else if (event.key === "Enter") run(entries[chosen]);
    else return;
    event.preventDefault();
  };
  useEffect(() => {
    document.getElementById(`find-${chosen}`)?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  return (
    <Dialog title="Find" class="palette" bare onClose={onClose}>
      <input
        type="text"
        class="palette-input"
        role="combobox"
        aria-label="Find a player, flight, airline, entry or table"
        aria-expanded="true"
        aria-controls="find-list"
        aria-activedescendant={entries.length ? `find-${chosen}` : undefined}
        placeholder="Find a player, flight, airline, entry or table"
        autocomplete="off"
        spellcheck={false}
        data-focus
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      <ul id="find-list" class="palette-list" role="listbox" aria-label="Found">
        {entries.map((entry, index) => (
          <li
            key={entry.id}
            id={`find-${index}`}
            role="option"
            aria-selected={index === chosen}
            onMouseMove={() => setAt(index)}
            onClick={() => run(entry)}
          >
            <span class="palette-kind">{entry.kind}</span>
            <span class="palette-label">
              <Text value={entry.label} />
            </span>
            <span class="palette-hint">
              <Text value={entry.hint} />
            </span>
          </li>
        ))}
      </ul>
      {(note || !entries.length) && (
        <p class="palette-note" role="status">
          <Text value={note || "Nothing goes by that name."} />
        </p>
      )}
    </Dialog>
  );
}
