// What would come of an action: the balance before and after, the lines of a list with what becomes of each, what changes.

import type { ComponentChildren } from "preact";
import type { Acted, Answer } from "../api/actions";
import { grouped } from "../text/number";
import { shownMinute } from "../state/zone";
import { Text } from "./text";

/** What a dry run says of itself, which the page says in its own way. */
const OF_DRY_RUNS = "Dry run: rolled back, nothing was changed.";
const WOULD_ASK = "This would ask: ";
const SHOWN = 100;

type Thing = Record<string, unknown>;

function number(thing: Thing, name: string): number | null {
  const value = thing[name];
  return typeof value === "number" ? value : null;
}

function text(thing: Thing, name: string): string {
  const value = thing[name];
  return typeof value === "string" ? value : "";
}

/** Fates of a line of a manifest, in words. */
const FATES: Record<string, string> = {
  new: "comes on board",
  created: "comes on board, account made",
  alreadyOnBoard: "already on board",
  alreadyAwarded: "already awarded",
  corrected: "corrected",
  differs: "paid otherwise",
  repeated: "repeated",
  unknown: "unknown",
  invalid: "invalid",
};

const BAD = ["unknown", "invalid", "differs"];

function Balance({ entry, already }: { entry: Thing; already: boolean }) {
  const after = number(entry, "balance");
  const amount = number(entry, "amount");
  if (after === null || amount === null) return null;
  return (
    <p class="balance-change">
      {!already && (
        <>
          <span class="quiet">{grouped(after - amount)}</span>
          <span class="quiet" aria-hidden="true">
            →
          </span>
          <span class="unseen">becomes</span>
        </>
      )}
      <strong>{grouped(after)}</strong>
      <span class="quiet">miles</span>
    </p>
  );
}

function Fates({ lines }: { lines: Thing[] }) {
  return (
    <div class="effects-scroll" tabIndex={0} role="region" aria-label="Lines of the list">
      <table class="preview">
        <thead>
          <tr>
            <th scope="col">Passenger</th>
            <th scope="col" class="numeric">
              Miles
            </th>
            <th scope="col">What becomes of it</th>
          </tr>
        </thead>
        <tbody>
          {lines.slice(0, SHOWN).map((line) => (
            <tr key={number(line, "line")}>
              <td>
                <Text value={text(line, "username") || text(line, "user")} />
              </td>
              <td class="numeric">{number(line, "miles") === null ? "" : grouped(number(line, "miles")!)}</td>
              <td class={BAD.includes(text(line, "fate")) ? "negative" : undefined}>
                {FATES[text(line, "fate")] ?? text(line, "fate")}
                {text(line, "remark") && (
                  <span class="quiet">
                    {" · "}
                    <Text value={text(line, "remark")} />
                  </span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {lines.length > SHOWN && <p class="quiet card-note">and {grouped(lines.length - SHOWN)} more</p>}
    </div>
  );
}

function Entries({ entries }: { entries: Thing[] }) {
  return (
    <ul class="effects-list">
      {entries.slice(0, SHOWN).map((entry) => (
        <li key={text(entry, "id")}>
          <Text value={text(entry, "userId")} />: {grouped(number(entry, "balance")! - number(entry, "amount")!)} → {grouped(number(entry, "balance")!)}
        </li>
      ))}
      {entries.length > SHOWN && <li class="quiet">and {grouped(entries.length - SHOWN)} more</li>}
    </ul>
  );
}

function shape(answer: Answer, already: boolean): ComponentChildren {
  if (Array.isArray(answer)) {
    if (!answer.length) return null;
    return "fate" in answer[0]! ? <Fates lines={answer} /> : <Entries entries={answer} />;
  }
  if (!answer) return null;
  if ("amount" in answer && "balance" in answer) return <Balance entry={answer} already={already} />;
  if ("entryId" in answer) {
    return (
      <p>
        <Text value={text(answer, "username")} /> {answer["already"] ? "is on board already" : "comes on board"}, balance{" "}
        {grouped(number(answer, "balance") ?? 0)}.
      </p>
    );
  }
  if ("departure" in answer && "status" in answer) {
    const at = text(answer, "endTime") || text(answer, "startedAt") || text(answer, "startTime");
    return (
      <p>
        <Text value={text(answer, "code")} /> would be <strong>{text(answer, "status")}</strong>, {shownMinute(at)}.
      </p>
    );
  }
  if ("replacementId" in answer) {
    return (
      <p>
        {grouped(number(answer, "entries") ?? 0)} entries and {grouped(number(answer, "flights") ?? 0)} flights would stay, under an id that names
        nobody.
      </p>
    );
  }
  return null;
}

interface EffectsProps {
  tried: Acted | null;
  wrong: Answer;
  asked: boolean;
  removes: boolean;
}

/** `tried` is what a dry run answered; `wrong` what it answered of a list that is refused. Once it is asked, a question speaks for itself. */
export function Effects({ tried, wrong, asked, removes }: EffectsProps) {
  if (!tried) return Array.isArray(wrong) ? <Fates lines={wrong} /> : null;
  const said = tried.said.filter((line) => line !== OF_DRY_RUNS && !(asked && line.startsWith(WOULD_ASK)));
  const already = said.some((line) => line.startsWith("Already applied"));
  return (
    <section class="effects" aria-label="What would come of it" aria-live="polite">
      {!removes && shape(tried.answer, already)}
      {said.map((line) => (
        <p key={line} class={line.startsWith(WOULD_ASK) ? "warn" : undefined}>
          <Text value={line} />
        </p>
      ))}
    </section>
  );
}
