// After a step to another place the keyboard goes on there, not on the link that led to it. The screen takes the focus
// once it has something to put it on.

let wished = false;

export function wishFocus(): void {
  wished = true;
}

/** Whether the screen that asks should take the focus now: a step wished for it, or nothing else has it. */
export function takeFocus(): boolean {
  const free = document.activeElement === document.body;
  const take = wished || free;
  wished = false;
  return take;
}
