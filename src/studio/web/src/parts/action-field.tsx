// A field of an action. Names of players, products and the like are found while they are typed.

import { useEffect, useState } from "preact/hooks";
import { ApiError, isAbort } from "../api/http";
import { find } from "../api/routes";
import type { Found } from "../api/types";
import type { Field } from "../state/actions";
import { visible } from "../text/visible";

const PAUSE_MS = 150;
const LINES = 6;

/** What find calls that which is looked for in a field. */
const KINDS: Partial<Record<Field["kind"], string>> = {
  player: "player",
  product: "product",
  airline: "airline",
  brand: "brand",
  flight: "flight",
};

function useNear(kind: string | undefined, text: string): Found[] {
  const [found, setFound] = useState<Found[]>([]);
  useEffect(() => {
    if (!kind || text.trim().length < 2) return setFound([]);
    const stopper = new AbortController();
    const timer = setTimeout(async () => {
      try {
        setFound((await find(text.trim(), stopper.signal)).filter((one) => one.kind === kind));
      } catch (error) {
        // A help: without it the name is typed.
        if (!isAbort(error) && !(error instanceof ApiError)) throw error;
      }
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      stopper.abort();
    };
  }, [kind, text]);
  return found;
}

/** What is put into the field for a thing that was found: what a person reads where that is a reference, else its key. */
function reference({ kind, key, label }: Found): string {
  return kind === "player" ? label : key;
}

interface ActionFieldProps {
  field: Field;
  first: boolean;
  value: string;
  disabled: boolean;
  onChange: (name: string, value: string) => void;
}

export function ActionField({ field, first, value, disabled, onChange }: ActionFieldProps) {
  const { name, kind, label, hint, optional } = field;
  const near = useNear(KINDS[kind], value);
  if (kind === "check") {
    return (
      <label class="check">
        <input
          type="checkbox"
          checked={value !== ""}
          disabled={disabled}
          data-focus={first || undefined}
          onChange={(event) => onChange(name, event.currentTarget.checked ? "yes" : "")}
        />
        <span>{label}</span>
      </label>
    );
  }
  const list = `near-${name}`;
  const common = {
    name,
    value,
    disabled,
    autocomplete: "off",
    spellcheck: false,
    required: !optional,
    "data-focus": first || undefined,
    "aria-describedby": hint ? `hint-${name}` : undefined,
    onInput: (event: { currentTarget: { value: string } }) => onChange(name, event.currentTarget.value),
  };
  return (
    <label class="field">
      <span>
        {label}
        {hint && (
          <span id={`hint-${name}`} class="hint">
            {" "}
            {hint}
          </span>
        )}
      </span>
      {kind === "lines" ? <textarea rows={LINES} {...common} /> : <input type="text" {...common} list={near.length ? list : undefined} />}
      {near.length > 0 && (
        <datalist id={list}>
          {near.map((one) => (
            <option key={one.key} value={reference(one)}>
              {visible(`${one.label} ${one.hint ?? ""}`)}
            </option>
          ))}
        </datalist>
      )}
    </label>
  );
}
