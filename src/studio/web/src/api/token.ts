// The bearer token of this tab. It lives in sessionStorage, never in an address or a cookie. A second tab of the same
// origin asks the first one for it, so that a link can be opened in a new tab.

import { signal } from "@preact/signals";

const KEY = "skyteam";
const ANSWER_MS = 300;

export const token = signal<string | null>(sessionStorage.getItem(KEY));

const tabs = new BroadcastChannel("skyteam.studio");
tabs.addEventListener("message", (event: MessageEvent<{ ask?: true; token?: string }>) => {
  if (event.data.ask && token.value) tabs.postMessage({ token: token.value });
  // A tab whose session is over goes on where it was, once another tab has a new one.
  if (event.data.token && !token.value) keep(event.data.token);
});

function keep(value: string): void {
  sessionStorage.setItem(KEY, value);
  token.value = value;
}

export function keepToken(value: string): void {
  keep(value);
  tabs.postMessage({ token: value });
}

export function forgetToken(): void {
  sessionStorage.removeItem(KEY);
  token.value = null;
}

/** Takes the launch code out of the address, before anything else can read it or the history keeps it. */
export function takeLaunchCode(): string | null {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (location.hash) history.replaceState(history.state, "", location.pathname + location.search);
  return code;
}

/** Asks the other tabs of this studio for their token, and waits until one has answered or none will. */
export function askOtherTabs(): Promise<void> {
  return new Promise((resolve) => {
    const stop = token.subscribe((value) => {
      if (value) resolve();
    });
    setTimeout(() => {
      stop();
      resolve();
    }, ANSWER_MS);
    tabs.postMessage({ ask: true });
  });
}
