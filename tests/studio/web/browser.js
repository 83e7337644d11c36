// Debian's Chromium, and what it must never do: ask another host, say something on the console, run what data says.

import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const PROGRAMS = ["/usr/bin/chromium", "/usr/bin/chromium-browser"];

export function launch() {
  const executablePath = PROGRAMS.find(existsSync);
  if (!executablePath) throw new Error("chromium is needed for this test: apt-get install chromium");
  return chromium.launch({ executablePath, args: FLAGS });
}

/** What pages said and asked. A flow that provokes a message says so by a pattern. */
export class Watch {
  faults = [];
  expected = null;

  /** Watches a page; `origin` is the only one it may ask. */
  page(page, origin) {
    page.on("console", (message) => this.note(`console ${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => this.note(`error: ${error.message}`));
    page.on("dialog", (dialog) => {
      this.note(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (url.protocol.startsWith("http") && url.origin !== origin) this.note(`request to ${url.origin}`);
    });
  }

  note(fault) {
    if (!this.expected?.test(fault)) this.faults.push(fault);
  }

  /** What was noted since the last time. */
  take() {
    return this.faults.splice(0);
  }
}

/** Script that a page of the studio runs first: violations of its policy are said on the console, which is watched. */
export function reportViolations() {
  document.addEventListener("securitypolicyviolation", (event) => {
    console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI}`);
  });
}
