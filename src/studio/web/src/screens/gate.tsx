// What is shown instead of the tables while there is no session, and over them while the server is away.

import { Logo } from "../parts/icon";
import { Command, RefusalBox } from "../parts/refusal";
import { reachable } from "../api/http";
import { problem, status } from "../state/session";

export function Gate() {
  return (
    <main class="gate" tabIndex={-1}>
      <Logo />
      {problem.value ? <RefusalBox refusal={problem.value} /> : <GateWords />}
    </main>
  );
}

function GateWords() {
  switch (status.value) {
    case "stopped":
      return (
        <>
          <h1>The studio has ended.</h1>
          <p>To open it again:</p>
          <Command text="skyteam db studio" />
        </>
      );
    case "closed":
      return (
        <>
          <h1>This page has no session.</h1>
          <p>
            A link opens the studio once, and sessions end with the program. Press <kbd>Enter</kbd> in the terminal where the studio runs:
            it prints a new link. When you open it, this tab goes on where it was.
          </p>
          <p>If the studio runs no longer:</p>
          <Command text="skyteam db studio" />
        </>
      );
    default:
      return <p role="status">{reachable.value ? "Opening…" : "The studio does not answer. Trying again…"}</p>;
  }
}

/** What was read stays on the screen; what is missing is read when the server is back. */
export function AwayBanner() {
  if (reachable.value) return null;
  return (
    <div class="away" role="alert">
      <strong>The studio does not answer.</strong> What you see is from before. This page tries again by itself; if the studio was ended, start it
      with <code>skyteam db studio</code>.
    </div>
  );
}
