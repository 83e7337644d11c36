// Statements of one's own: written with what the live schema knows, run at the cursor, explained, cancelled, found again.

import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, isAbort } from "../api/http";
import { type Answer, cancelSql, type Explain, forgetSql, readRemembered, type Remembered, runSql } from "../api/sql";
import type { Refusal } from "../api/types";
import { RefusalBox } from "../parts/refusal";
import { Text } from "../parts/text";
import type { Editor } from "../sql/editor";
import { planOf, PlanTree } from "../sql/plan";
import { Result, saveCsv, saveJson } from "../sql/result";
import { tables } from "../state/catalog";
import { takeFocus } from "../state/focus";
import { useLoaded } from "../state/hooks";
import { session } from "../state/session";
import { bothTimes, shownMinute } from "../state/zone";
import { grouped } from "../text/number";

/** What is written and what came of it last stay while one looks at other pages. */
const draft = signal<string | null>(null);
const shown = signal<Shown | null>(null);

interface Shown {
  answer: Answer | null;
  explain: Explain | null;
  problem: Refusal | null;
  /** Where in the whole text the server found the fault. */
  at: number | null;
  /** Another number for each run. */
  turn: number;
}

const rowsOf = (n: number): string => (n === 1 ? "1 row" : `${grouped(n)} rows`);

const FIRST = `-- Ctrl-Enter runs the statement at the cursor. Nothing here can change the database.
SELECT u."username", sum(t."amount") AS earned
FROM "milesTransactions" t
JOIN "users" u ON u."userId" = t."userId"
WHERE t."amount" > 0
GROUP BY u."username"
ORDER BY earned DESC
LIMIT 20;
`;

function schemaOf(): Record<string, string[]> {
  // Names in camel case are quoted; the completion does so by itself.
  return Object.fromEntries((tables.value ?? []).map(({ table, columns }) => [table, columns.map(({ name }) => name)]));
}

/** Makes the editor once its chunk is there. */
function useEditor(onRun: () => void, onCancel: () => void) {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | null>(null);
  const run = useRef({ onRun, onCancel });
  run.current = { onRun, onCancel };
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let gone = false;
    const wanted = takeFocus();
    import("../sql/editor").then(
      ({ createEditor }) => {
        if (gone || !host.current) return;
        editor.current = createEditor(host.current, {
          engine: session.value?.target.engine ?? "postgres",
          schema: schemaOf(),
          text: draft.value ?? FIRST,
          onRun: () => run.current.onRun(),
          onCancel: () => run.current.onCancel(),
          onChange: (text) => {
            draft.value = text;
          },
        });
        if (wanted) editor.current.focus();
      },
      () => setFailed(true),
    );
    return () => {
      gone = true;
      editor.current?.destroy();
      editor.current = null;
    };
  }, []);
  return { host, editor, failed };
}

/** Seconds since a statement began. */
function useSeconds(running: boolean): number {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    setSeconds(0);
    if (!running) return;
    const start = Date.now();
    const timer = setInterval(() => setSeconds(Math.floor((Date.now() - start) / 1_000)), 250);
    return () => clearInterval(timer);
  }, [running]);
  return seconds;
}

export function SqlScreen() {
  const [running, setRunning] = useState<string | null>(null);
  const [turn, setTurn] = useState(0);
  const { value: remembered, problem: forgotten } = useLoaded(readRemembered, [String(turn)]);
  const stopper = useRef<AbortController | null>(null);
  const last = useRef<Remembered | null>(null);
  last.current = remembered ?? last.current;

  const run = async (explain: Explain | null): Promise<void> => {
    const piece = editor.current?.piece();
    if (!piece || running) return;
    const id = crypto.randomUUID();
    stopper.current = new AbortController();
    setRunning(id);
    try {
      const answer = await runSql(id, piece.text, explain, stopper.current.signal);
      shown.value = { answer, explain, problem: null, at: null, turn: turn + 1 };
    } catch (error) {
      if (isAbort(error)) return;
      if (!(error instanceof ApiError)) throw error;
      const { position } = error.beside as { position?: number };
      // The server counts characters, the editor units of UTF-16.
      const before = position ? [...piece.text].slice(0, position - 1).join("").length : null;
      shown.value = {
        answer: null,
        explain,
        problem: { ...error.refusal, retryable: false },
        at: before === null ? null : piece.from + before,
        turn: turn + 1,
      };
    } finally {
      setRunning(null);
      setTurn((turn) => turn + 1);
    }
  };

  const cancel = async (): Promise<void> => {
    if (!running) return;
    try {
      await cancelSql(running);
    } catch (error) {
      // It has ended meanwhile.
      if (!(error instanceof ApiError)) throw error;
    }
  };

  const { host, editor, failed } = useEditor(
    () => void run(null),
    () => void cancel(),
  );
  const seconds = useSeconds(running !== null);
  // Leaving the page leaves no statement behind.
  useEffect(() => () => stopper.current?.abort(), []);
  const limits = last.current?.limits;

  return (
    <main class="sql" tabIndex={-1}>
      <header class="screen-head">
        <div>
          <h1>SQL</h1>
          <p class="quiet">
            Reads only{limits && `: at most ${grouped(limits.rows)} rows and ${limits.seconds} seconds a statement`}. To write, use{" "}
            <code>skyteam db shell</code>.
          </p>
        </div>
      </header>
      {session.value?.superuser && (
        <p class="sql-warning">
          This role is a superuser. Statements run as <code>pg_read_all_data</code>, but one that takes its rights back on purpose can reach
          the server's files: a role of its own is safer.
        </p>
      )}
      <div class="sql-body">
        <div class="sql-main">
          <div class="sql-editor" ref={host} data-editor />
          {failed && <p class="refusal">The editor could not be loaded. Load the page again.</p>}
          <div class="sql-tools">
            <button type="button" class="button primary" disabled={running !== null} onClick={() => void run(null)}>
              Run <kbd>Ctrl Enter</kbd>
            </button>
            <button type="button" class="button" disabled={running !== null} onClick={() => void run("plan")}>
              Explain
            </button>
            {session.value?.target.engine === "postgres" && (
              <button
                type="button"
                class="button"
                disabled={running !== null}
                title="Runs the statement, and shows what each step took"
                onClick={() => void run("analyze")}
              >
                Explain and run
              </button>
            )}
            {running !== null && (
              <button type="button" class="button" onClick={() => void cancel()}>
                Cancel <kbd>Ctrl .</kbd>
              </button>
            )}
            <span class="sql-state quiet" role="status">
              {running !== null && `Running, ${seconds} s${limits ? ` of at most ${limits.seconds}` : ""}`}
              {running === null && shown.value?.answer && <span class="unseen">{doneWords(shown.value)}</span>}
            </span>
          </div>
          <Outcome limits={limits} onGoTo={(at) => editor.current?.goTo(at)} />
        </div>
        <aside class="sql-side" aria-label="Statements">
          <Side
            remembered={last.current}
            problem={forgotten}
            onPick={(text) => editor.current?.setText(text)}
            onForget={async () => {
              await forgetSql();
              setTurn(turn + 1);
            }}
          />
        </aside>
      </div>
    </main>
  );
}

/** What is read out when an answer has come. */
function doneWords({ answer, explain }: Shown): string {
  if (!answer || explain) return "The plan is shown.";
  return `${rowsOf(answer.rows.length)} in ${grouped(answer.ms)} milliseconds.${answer.truncated ? " There is more: it was cut." : ""}`;
}

function Outcome({ limits, onGoTo }: { limits: Remembered["limits"] | undefined; onGoTo: (at: number) => void }) {
  const here = shown.value;
  if (!here) return <p class="sql-empty quiet">The answer comes here.</p>;
  const { answer, problem, at } = here;
  if (problem) {
    return (
      <div class="sql-problem">
        <RefusalBox refusal={problem}>
          {at !== null && (
            <button type="button" class="button" onClick={() => onGoTo(at)}>
              Show where
            </button>
          )}
        </RefusalBox>
      </div>
    );
  }
  if (!answer) return null;
  const plan = here.explain ? planOf(answer) : null;
  const cut = { rows: `Only the first ${grouped(limits?.rows ?? answer.rows.length)} rows are shown: there are more.`, bytes: "Cut at 8 MiB: there is more." };
  return (
    <>
      {answer.truncated && (
        <p class="sql-cut" role="alert">
          {cut[answer.truncated]} Add a LIMIT or a condition.
        </p>
      )}
      {answer.notices.map((notice) => (
        <p key={notice} class="sql-cut">
          <Text value={notice} />
        </p>
      ))}
      {plan ? <PlanTree steps={plan.steps} /> : answer.rows.length ? <Result key={here.turn} answer={answer} /> : <p class="sql-empty quiet">No rows.</p>}
      <footer class="foot">
        {plan ? <span>{plan.summary.join(" · ") || "Not run: this is what the database means to do"}</span> : <span>{rowsOf(answer.rows.length)}</span>}
        <span>{grouped(answer.ms)} ms</span>
        <span class="foot-space" />
        {!plan && answer.rows.length > 0 && (
          <>
            <button type="button" class="button small" onClick={() => saveCsv(answer)}>
              CSV
            </button>
            <button type="button" class="button small" onClick={() => saveJson(answer)}>
              JSON
            </button>
          </>
        )}
      </footer>
    </>
  );
}

interface SideProps {
  remembered: Remembered | null;
  problem: Refusal | null;
  onPick: (text: string) => void;
  onForget: () => Promise<void>;
}

function firstLine(text: string): string {
  const line = text.split("\n").find((line) => line.trim() && !line.trim().startsWith("--"));
  return (line ?? text).trim();
}

function Side({ remembered, problem, onPick, onForget }: SideProps) {
  return (
    <>
      <h2>Saved</h2>
      <ul>
        {remembered?.saved.map(({ name, text }) => (
          <li key={name}>
            <button type="button" onClick={() => onPick(text)} title={text.slice(0, 500)}>
              <Text value={name} />
            </button>
          </li>
        ))}
      </ul>
      {remembered && !remembered.saved.length && (
        <p class="quiet">
          Files <code>queries/*.sql</code> where the studio was started are listed here.
        </p>
      )}
      <div class="sql-history">
        <h2>History</h2>
        {remembered && remembered.history.length > 0 && (
          <button type="button" class="button small" title="Removes these from this list, and from the file that keeps them" onClick={() => void onForget()}>
            Forget all
          </button>
        )}
      </div>
      {problem && <RefusalBox refusal={problem} />}
      <ul>
        {remembered?.history.map((entry) => (
          <li key={entry.text}>
            <button type="button" onClick={() => onPick(entry.text)} title={entry.text.slice(0, 500)}>
              <code>
                <Text value={firstLine(entry.text)} />
              </code>
              <span class={entry.rows === null ? "negative" : "quiet"}>
                <time title={bothTimes(entry.at)}>{shownMinute(entry.at).slice("2026-".length)}</time> ·{" "}
                {entry.rows === null ? "failed" : rowsOf(entry.rows)} · {grouped(entry.ms)} ms
              </span>
            </button>
          </li>
        ))}
      </ul>
      {remembered && !remembered.history.length && <p class="quiet">Nothing was run yet.</p>}
    </>
  );
}
