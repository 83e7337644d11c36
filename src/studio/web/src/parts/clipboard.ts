// Copying a single text, with a notice whether it worked.

import { announce } from "./live";

export async function copyText(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    announce(`Copied ${what}.`);
  } catch {
    announce(`The browser did not allow copying ${what}.`);
  }
}
