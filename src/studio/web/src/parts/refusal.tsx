// A refusal in the server's own words, with its way out: lines that are commands can be copied.

import type { ComponentChildren } from "preact";
import type { Refusal } from "../api/types";
import { copyText } from "./clipboard";
import { Icon } from "./icon";
import { Text } from "./text";

function lines(text: string | null): string[] {
  return text ? text.split("\n").filter((line) => line.trim()) : [];
}

export function Command({ text }: { text: string }) {
  return (
    <div class="command">
      <code>
        <Text value={text} />
      </code>
      <button type="button" class="icon-button" aria-label="Copy the command" onClick={() => void copyText(text, "the command")}>
        <Icon name="copy" />
      </button>
    </div>
  );
}

/** A command, which may be followed by what it does. */
function Fix({ line }: { line: string }) {
  const [command, remark] = line.split(/ {4,}/, 2);
  return (
    <>
      <Command text={command!} />
      {remark && (
        <p class="quiet">
          <Text value={remark} />
        </p>
      )}
    </>
  );
}

/** `children` are the buttons that get one out of it. */
export function RefusalBox({ refusal, children }: { refusal: Refusal; children?: ComponentChildren }) {
  return (
    <section class="refusal" role="alert">
      <h2>
        <Text value={refusal.message} />
      </h2>
      {lines(refusal.why).map((line) => (
        <p key={line}>
          <Text value={line} />
        </p>
      ))}
      {lines(refusal.fix).map((line) =>
        line.startsWith("skyteam ") ? (
          <Fix key={line} line={line} />
        ) : (
          <p key={line}>
            <Text value={line} />
          </p>
        ),
      )}
      {refusal.retryable && <p class="quiet">Trying again by itself.</p>}
      {children && <div class="buttons">{children}</div>}
    </section>
  );
}
