// The session with the server: opening it by the launch code, keeping it alive while the page is visible, and noticing that
// it is over or that the server is away.

import { effect, signal } from "@preact/signals";
import { ApiError, reachable } from "../api/http";
import { lockProduction, openSession, readSession, stopStudio, unlockProduction } from "../api/routes";
import { askOtherTabs, keepToken, takeLaunchCode, token } from "../api/token";
import type { Refusal, Session } from "../api/types";

const HEARTBEAT_MS = 60_000;
const RETRY_MS = 1_500;

/** `closed`: no valid session, a new link is needed. `stopped`: the person at the page ended the studio. */
export type Status = "opening" | "open" | "closed" | "stopped";

export const status = signal<Status>("opening");
export const session = signal<Session | null>(null);
/** Why the session could not be read, when it was neither closed nor out of reach. */
export const problem = signal<Refusal | null>(null);

/** Asks how things are: whether production is still unlocked, whether the session goes on. */
export async function refresh(): Promise<void> {
  try {
    session.value = await readSession();
    problem.value = null;
    status.value = "open";
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // A lost session empties the token, and an unreachable server is asked again: both below.
    if (error.status !== 401 && error.status !== 0) problem.value = error.refusal;
  }
}

async function launch(code: string): Promise<void> {
  try {
    const opened = await openSession(code);
    keepToken(opened.token);
    session.value = opened.session;
    // Last: what waits for the session asks with the token at once.
    status.value = "open";
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status !== 401) problem.value = error.refusal;
    status.value = "closed";
  }
}

/** Opens the session. Must run first: it takes the code out of the address. */
export async function startSession(): Promise<void> {
  const code = takeLaunchCode();
  if (code) await launch(code);
  else if (!token.value) await askOtherTabs();
  watchToken();
  watchServer();
  setInterval(() => {
    if (document.visibilityState === "visible" && status.value === "open") void refresh();
  }, HEARTBEAT_MS);
}

function watchToken(): void {
  effect(() => {
    const held = token.value;
    if (status.peek() === "stopped") return;
    if (!held) status.value = "closed";
    else if (status.peek() !== "open") void refresh();
  });
}

/** While the server is away it is asked again and again; views load what they lack when it is back. */
function watchServer(): void {
  effect(() => {
    if (reachable.value) return;
    const timer = setInterval(() => {
      if (status.peek() !== "stopped" && token.peek()) void refresh();
    }, RETRY_MS);
    return () => clearInterval(timer);
  });
}

/** Unlocks production for a while. Throws `ApiError` where another name was typed. */
export async function unlock(typed: string): Promise<void> {
  session.value = await unlockProduction(typed);
}

export async function lock(): Promise<void> {
  session.value = await lockProduction();
}

/** Ends the server. */
export async function stop(): Promise<void> {
  await stopStudio();
  status.value = "stopped";
}
