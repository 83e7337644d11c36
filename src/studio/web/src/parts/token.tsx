// A new token, shown once. It is kept nowhere in the page: with the dialog it is gone.

import { copyText } from "./clipboard";
import { Dialog } from "./dialog";
import { Icon } from "./icon";

export function Token({ token, about, onClose }: { token: string; about: string; onClose: () => void }) {
  return (
    <Dialog title="The new token" class="action" onClose={onClose}>
      <div class="action-form">
        <p class="action-about">{about}</p>
        <p>This is the only time that it is shown. The old one no longer works.</p>
        <div class="command">
          <code class="secret">{token}</code>
          <button type="button" class="icon-button" aria-label="Copy the token" data-focus onClick={() => void copyText(token, "the token")}>
            <Icon name="copy" />
          </button>
        </div>
        <div class="buttons">
          <button type="button" class="button primary" onClick={onClose}>
            I have it
          </button>
        </div>
      </div>
    </Dialog>
  );
}
