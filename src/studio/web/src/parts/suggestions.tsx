// The values that a column holds, most frequent first, for the one who does not know how they are spelled.

import { useEffect, useState } from "preact/hooks";
import { ApiError, isAbort } from "../api/http";
import { readValues } from "../api/routes";
import type { Column, Values } from "../api/types";
import { grouped } from "../text/number";
import { Text } from "./text";

const PAUSE_MS = 150;
const SHOWN = 8;

/** Kinds whose values repeat: a time or a key is typed rather than picked from fifty. */
const REPEATING = ["text", "enum"];

interface SuggestionsProps {
  table: string;
  column: Column;
  prefix: string;
  onPick: (value: string) => void;
}

export function Suggestions({ table, column, prefix, onPick }: SuggestionsProps) {
  const [found, setFound] = useState<Values | null>(null);
  const useful = REPEATING.includes(column.kind) && !column.key && !column.references;
  useEffect(() => {
    if (!useful) return;
    const stopper = new AbortController();
    const timer = setTimeout(async () => {
      try {
        setFound(await readValues(table, column.name, prefix, stopper.signal));
      } catch (error) {
        // Suggestions are a help: without them the value is typed.
        if (!isAbort(error) && !(error instanceof ApiError)) throw error;
      }
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      stopper.abort();
    };
  }, [table, column.name, prefix, useful]);
  const values = (found?.values ?? []).filter(({ value }) => value !== null && value !== "" && value !== prefix);
  if (!useful || !values.length) return null;
  return (
    <ul class="suggestions" aria-label={`Values of ${column.name}`}>
      {values.slice(0, SHOWN).map(({ value, count }) => (
        <li key={value}>
          <button type="button" onClick={() => onPick(value!)}>
            <Text value={value!} />
            <span class="quiet">{grouped(count)}</span>
          </button>
        </li>
      ))}
      {found?.sampled && <li class="quiet">Counted in the first 100,000 rows.</li>}
    </ul>
  );
}
