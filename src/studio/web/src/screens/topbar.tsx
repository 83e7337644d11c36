// The bar above everything: which database this is, and how dangerous it would be to mistake it for another.

import { useState } from "preact/hooks";
import type { Session } from "../api/types";
import { Icon, type IconName, Logo } from "../parts/icon";
import { Link } from "../parts/link";
import { Popover } from "../parts/popover";
import { Text } from "../parts/text";
import { UnlockForm } from "../parts/unlock-form";
import { showFind, showHelp } from "../state/overlays";
import { lock, session } from "../state/session";
import { nextTheme, type Theme, theme } from "../state/theme";
import { localZone, switchZone, zone } from "../state/zone";

const SUPERUSER = "This connection is a PostgreSQL superuser, which no rule of the database holds back. A role with fewer rights is safer.";

const THEMES: Record<Theme, { icon: IconName; words: string }> = {
  auto: { icon: "half", words: "Colours: as the system has them" },
  light: { icon: "sun", words: "Colours: light" },
  dark: { icon: "moon", words: "Colours: dark" },
};

function Target({ state }: { state: Session }) {
  const { kind, database, host, role } = state.target;
  const where = `${host ? ` @ ${host}` : ""}${role ? ` as ${role}` : ""}`;
  return (
    <div class="target">
      <span class={`kind kind-${kind}`}>{kind}</span>
      <span class="target-name">
        <Text value={database} title />
        <Text value={where} />
      </span>
      {state.readOnly && <span class="kind kind-quiet">read only</span>}
      {!state.readOnly && <Lock state={state} />}
      {state.superuser && (
        <span class="kind kind-staging" title={SUPERUSER}>
          superuser
        </span>
      )}
    </div>
  );
}

/** Production is locked until its name is typed, and for a quarter of an hour then. */
function Lock({ state }: { state: Session }) {
  const [anchor, setAnchor] = useState<Element | null>(null);
  if (state.locked) {
    return (
      <>
        <span class="kind kind-quiet">locked</span>
        <button type="button" class="button small" onClick={(event) => setAnchor(event.currentTarget)}>
          Unlock…
        </button>
        {anchor && (
          <Popover anchor={anchor} label="Unlock production" onClose={() => setAnchor(null)}>
            <UnlockForm onDone={() => setAnchor(null)} />
          </Popover>
        )}
      </>
    );
  }
  if (state.unlockedSeconds === null) return null;
  return (
    <>
      <span class="kind kind-production">unlocked</span>
      <button type="button" class="button small" onClick={() => void lock()}>
        Lock
      </button>
    </>
  );
}

function Zone() {
  const other = localZone.value;
  if (!other) return <span class="zone">UTC</span>;
  const next = zone.value === "UTC" ? other : "UTC";
  return (
    <button type="button" class="button small" title={`Times are in ${zone.value}. Show them in ${next}`} onClick={switchZone}>
      {zone.value}
    </button>
  );
}

export function TopBar() {
  const state = session.value;
  const colours = THEMES[theme.value];
  return (
    <header class={`topbar topbar-${state?.target.kind ?? "local"}`}>
      <Link class="brand" href="/">
        <Logo />
        skyteam studio
      </Link>
      {state && <Target state={state} />}
      <div class="topbar-space" />
      <button type="button" class="find" onClick={showFind}>
        <Icon name="search" />
        <span>Find…</span>
        <kbd>Ctrl K</kbd>
      </button>
      <Zone />
      <button type="button" class="icon-button" title={colours.words} aria-label={colours.words} onClick={nextTheme}>
        <Icon name={colours.icon} />
      </button>
      <button type="button" class="icon-button" aria-label="Keys" title="Keys (?)" onClick={showHelp}>
        ?
      </button>
    </header>
  );
}
