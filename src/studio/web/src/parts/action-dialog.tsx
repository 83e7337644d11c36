// The dialog of an action: its fields, what would come of it, the same as a command line, and the answer to a question.
// What is asked for once is done once: the key is made when the dialog opens.

import { useEffect, useRef, useState } from "preact/hooks";
import { type Acted, type Action, type Asked, carryOut, type RefusedAction, tryOut } from "../api/actions";
import { ApiError, isAbort } from "../api/http";
import type { Refusal } from "../api/types";
import { changed, type Form, form, freshKey, type Values } from "../state/actions";
import { refresh, session } from "../state/session";
import { ActionField } from "./action-field";
import { Effects } from "./action-effects";
import { Dialog } from "./dialog";
import { announce } from "./live";
import { Command, RefusalBox } from "./refusal";
import { Text } from "./text";
import { Token } from "./token";
import { UnlockForm } from "./unlock-form";

const PAUSE_MS = 250;
const AGAIN_MS = 1_000;

/** The status of what the lock of production refuses. */
const LOCKED = 423;

/** More fields than so many are beside each other. */
const MANY = 5;

/** Refusals after which it is not known whether it was done. */
const UNKNOWN = ["outcome_unknown", "not_replicated", "answer_lost"];

type Tried =
  | { state: "incomplete" }
  | { state: "asking" }
  | { state: "shown"; acted: Acted }
  | { state: "refused"; refusal: Refusal; beside: RefusedAction };

type Doing =
  | { state: "no" }
  | { state: "sent" }
  /** No answer came, or one that does not know. It is asked again by its key. */
  | { state: "again"; times: number }
  | { state: "lost" }
  | { state: "asked"; asked: Asked; refusal: Refusal }
  | { state: "refused"; refusal: Refusal };

function isComplete({ fields }: Form, values: Values): boolean {
  return fields.every(({ name, optional }) => optional || (values[name] ?? "").trim() !== "");
}

/** Tries what the fields say whenever they change. */
function useTried(shown: Form, values: Values, action: Action): Tried {
  const [tried, setTried] = useState<Tried>({ state: "incomplete" });
  const complete = isComplete(shown, values);
  const body = JSON.stringify(action);
  useEffect(() => {
    if (!complete) return setTried({ state: "incomplete" });
    setTried({ state: "asking" });
    const stopper = new AbortController();
    const timer = setTimeout(async () => {
      try {
        setTried({ state: "shown", acted: await tryOut(action, stopper.signal) });
      } catch (error) {
        if (isAbort(error)) return;
        if (!(error instanceof ApiError)) throw error;
        setTried({ state: "refused", refusal: error.refusal, beside: error.beside });
      }
    }, shown.fields.length ? PAUSE_MS : 0);
    return () => {
      clearTimeout(timer);
      stopper.abort();
    };
  }, [body, complete]);
  return tried;
}

/** Whether all that the question is about was on the screen when the button was pressed. */
function wasSeen(asked: Asked, tried: Tried): boolean {
  return tried.state === "shown" && asked.said.length > 0 && !asked.typed && asked.said.every((line) => tried.acted.said.includes(line));
}

export function ActionDialog({ shown }: { shown: Form }) {
  const [key] = useState(freshKey);
  const [values, setValues] = useState<Values>(() => Object.fromEntries(shown.fields.map(({ name, value = "" }) => [name, value])));
  const [doing, setDoing] = useState<Doing>({ state: "no" });
  const [typed, setTyped] = useState("");
  const [token, setToken] = useState<string | null>(null);
  const open = useRef(true);
  useEffect(() => () => void (open.current = false), []);
  const action = shown.action(values, key);
  const tried = useTried(shown, values, action);
  const locked = session.value?.locked ?? false;

  const close = (): void => {
    form.value = null;
  };
  const done = (acted: Acted): void => {
    const secret = Array.isArray(acted.answer) ? null : acted.answer?.["token"];
    announce(shown.done(acted.answer, values));
    changed();
    if (typeof secret === "string" && "rotate" in action) return setToken(secret);
    close();
    shown.then?.();
  };
  const send = async (agreed: string | null, name: string | null, times: number): Promise<void> => {
    setDoing(times ? { state: "again", times } : { state: "sent" });
    try {
      done(await carryOut(action, agreed, name));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { ask } = error.beside as RefusedAction;
      const unknown = error.status === 0 || UNKNOWN.includes(error.refusal.code);
      if (unknown && shown.repeatable) {
        setDoing({ state: "again", times: times + 1 });
        setTimeout(() => {
          if (open.current) void send(agreed, name, times + 1);
        }, AGAIN_MS);
      } else if (error.status === 0) {
        changed();
        setDoing({ state: "lost" });
      } else if (ask && !agreed && wasSeen(ask, tried)) await send(ask.agreement, null, 0);
      else if (ask) setDoing({ state: "asked", asked: ask, refusal: error.refusal });
      else {
        setDoing({ state: "refused", refusal: error.refusal });
        // Locked meanwhile: the page says so, and how it is unlocked.
        if (error.status === LOCKED) void refresh();
      }
    }
  };
  const change = (name: string, value: string): void => {
    setValues((last) => ({ ...last, [name]: value }));
    if (doing.state !== "sent" && doing.state !== "again") setDoing({ state: "no" });
  };
  const busy = doing.state === "sent" || doing.state === "again";
  const ready = !busy && !locked && tried.state !== "incomplete" && tried.state !== "asking" && tried.state !== "refused";
  const command = tried.state === "shown" ? tried.acted.command : tried.state === "refused" ? tried.beside.command : undefined;

  if (token !== null) return <Token token={token} about={shown.about ?? ""} onClose={close} />;
  const asked = doing.state === "asked" ? doing.asked : null;
  const lines = tried.state === "refused" && Array.isArray(tried.beside.answer) ? tried.beside.answer : null;
  return (
    <Dialog title={shown.title} class="action" onClose={close}>
      <form
        class="action-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (asked && !busy) void send(asked.agreement, asked.typed ? typed : null, 0);
          else if (ready) void send(null, null, 0);
        }}
      >
        {shown.about && (
          <p class="action-about">
            <Text value={shown.about} />
          </p>
        )}
        {shown.explains && <p class="quiet">{shown.explains}</p>}
        {shown.fields.length > 0 && (
          <div class={shown.fields.length > MANY ? "action-fields many" : "action-fields"}>
            {shown.fields.map((field, place) => (
              <ActionField key={field.name} field={field} first={place === 0} value={values[field.name] ?? ""} disabled={busy} onChange={change} />
            ))}
          </div>
        )}
        <Effects removes={shown.removes ?? false} tried={tried.state === "shown" ? tried.acted : null} wrong={lines} asked={asked !== null} />
        {tried.state === "refused" && (
          // What is wrong in each line of a list is beside the line.
          <RefusalBox refusal={lines ? { ...tried.refusal, why: null, fix: null, retryable: false } : { ...tried.refusal, retryable: false }} />
        )}
        {doing.state === "refused" && <RefusalBox refusal={{ ...doing.refusal, retryable: false }} />}
        {doing.state === "again" && (
          <p class="outcome" role="status">
            No answer came, so it is not known whether it was done. It is asked again with the same key, which does it once.
          </p>
        )}
        {doing.state === "lost" && (
          <p class="outcome" role="alert">
            The answer was lost, so it is not known whether it was done. What is behind this dialog is read again: look there before you do it
            again.
          </p>
        )}
        {asked && <Question asked={asked} refusal={(doing as { refusal: Refusal }).refusal} typed={typed} onType={setTyped} />}
        {command && (
          <div class="action-command">
            <span class="quiet">The same on the command line</span>
            <Command text={command} />
          </div>
        )}
        {locked && <UnlockForm />}
        <div class="buttons">
          <button
            type="submit"
            class={shown.loses || asked ? "button danger" : "button primary"}
            disabled={asked ? busy || (asked.typed && !typed) : !ready}
            data-focus={shown.fields.length === 0 || undefined}
          >
            {busy ? "…" : asked && !asked.typed ? `Yes, ${shown.verb.toLowerCase()}` : shown.verb}
          </button>
          <button type="button" class="button" onClick={close}>
            {doing.state === "lost" ? "Close" : "Keep as it is"}
          </button>
          {tried.state === "asking" && <span class="quiet">Trying…</span>}
        </div>
      </form>
    </Dialog>
  );
}

interface QuestionProps {
  asked: Asked;
  refusal: Refusal;
  typed: string;
  onType: (typed: string) => void;
}

/** What must be answered before it is done, in the words of the command line. */
function Question({ asked, refusal, typed, onType }: QuestionProps) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const reasons = (refusal.why ?? "").split("\n").filter((line) => line && line !== asked.question);
  return (
    <section class="question" role="alert">
      {asked.said.map((line) => (
        <p key={line}>
          <Text value={line} />
        </p>
      ))}
      {!asked.typed && (
        <h3>
          <Text value={asked.question} />
        </h3>
      )}
      {reasons.map((line) => (
        <p key={line} class="quiet">
          <Text value={line} />
        </p>
      ))}
      {asked.typed && (
        <label class="field">
          <span>
            <Text value={asked.question} />
          </span>
          <input
            ref={field}
            type="text"
            autocomplete="off"
            spellcheck={false}
            value={typed}
            onInput={(event) => onType(event.currentTarget.value)}
          />
        </label>
      )}
    </section>
  );
}
