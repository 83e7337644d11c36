// Production is read only until its name is typed: the server refuses every action until then.

import { useState } from "preact/hooks";
import { ApiError } from "../api/http";
import type { Refusal } from "../api/types";
import { session, unlock } from "../state/session";
import { RefusalBox } from "./refusal";
import { Text } from "./text";

export function UnlockForm({ onDone }: { onDone?: () => void }) {
  const [typed, setTyped] = useState("");
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const name = session.value?.target.database ?? "";
  const run = async (): Promise<void> => {
    try {
      await unlock(typed);
      onDone?.();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setRefusal(error.refusal);
    }
  };
  return (
    <section class="question">
      <label class="field">
        <span>
          This is production, and locked. Type <Text value={name} /> to unlock it for 15 minutes
        </span>
        <input
          type="text"
          autocomplete="off"
          spellcheck={false}
          data-focus={onDone ? true : undefined}
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            // Not the form around it.
            event.preventDefault();
            void run();
          }}
        />
      </label>
      {refusal && <RefusalBox refusal={refusal} />}
      <div class="buttons">
        <button type="button" class="button danger" disabled={!typed} onClick={() => void run()}>
          Unlock
        </button>
      </div>
    </section>
  );
}
