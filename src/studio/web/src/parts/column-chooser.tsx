// Which columns are shown, and in what order.

import type { Column } from "../api/types";
import { Icon } from "./icon";
import { Text } from "./text";

interface ChooserProps {
  columns: Column[];
  /** The columns that can be shown, in their usual order. */
  order: string[];
  shown: string[] | null;
  onChange: (shown: string[] | null) => void;
}

function swapped(names: string[], from: number, to: number): string[] {
  const next = [...names];
  [next[from], next[to]] = [next[to]!, next[from]!];
  return next;
}

export function ColumnChooser({ columns, order: all, shown, onChange }: ChooserProps) {
  const current = (shown ?? all).filter((name) => all.includes(name));
  const listed = [...current, ...all.filter((name) => !current.includes(name))];
  const set = (next: string[]): void => onChange(next.join() === all.join() ? null : next);
  const secrets = columns.filter(({ secret }) => secret);
  return (
    <div class="chooser">
      <ul>
        {listed.map((name, index) => {
          const on = current.includes(name);
          const last = on && current.length === 1;
          return (
            <li key={name}>
              <label>
                <input
                  type="checkbox"
                  checked={on}
                  disabled={last}
                  data-focus={index === 0 || undefined}
                  onChange={() => set(on ? current.filter((other) => other !== name) : [...current, name])}
                />
                <Text value={name} />
              </label>
              {on && (
                <span class="chooser-move">
                  <button
                    type="button"
                    class="icon-button small"
                    aria-label={`Move ${name} left`}
                    disabled={index === 0}
                    onClick={() => set(swapped(current, index, index - 1))}
                  >
                    <Icon name="up" />
                  </button>
                  <button
                    type="button"
                    class="icon-button small"
                    aria-label={`Move ${name} right`}
                    disabled={index === current.length - 1}
                    onClick={() => set(swapped(current, index, index + 1))}
                  >
                    <Icon name="down" />
                  </button>
                </span>
              )}
            </li>
          );
        })}
        {secrets.map(({ name }) => (
          <li key={name} class="quiet">
            {name} is secret and never shown
          </li>
        ))}
      </ul>
      <button type="button" class="button" disabled={shown === null} onClick={() => onChange(null)}>
        Show all
      </button>
    </div>
  );
}
