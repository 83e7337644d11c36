// A link inside the page: a real address, so that it can be copied and opened in a new tab, followed without loading
// the page again.

import type { ComponentChildren, JSX } from "preact";
import { followHref } from "../state/route";

type LinkProps = Omit<JSX.AnchorHTMLAttributes<HTMLAnchorElement>, "href"> & { href: string; children: ComponentChildren };

export function Link({ href, children, onClick, ...rest }: LinkProps) {
  const follow = (event: JSX.TargetedMouseEvent<HTMLAnchorElement>): void => {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    followHref(href);
    onClick?.(event);
  };
  return (
    <a {...rest} href={href} onClick={follow}>
      {children}
    </a>
  );
}
