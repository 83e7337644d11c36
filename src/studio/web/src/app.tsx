// The frame of the page, and the keys that work everywhere in it.

import { useEffect } from "preact/hooks";
import { ActionDialog } from "./parts/action-dialog";
import { Live } from "./parts/live";
import { Link } from "./parts/link";
import { RefusalBox } from "./parts/refusal";
import { form } from "./state/actions";
import { catalogProblem, loadTables, tableNamed, tables, titleOf } from "./state/catalog";
import { closeOverlay, overlay, showFind, showHelp } from "./state/overlays";
import { isPlace, route, tableOf } from "./state/route";
import { session, status } from "./state/session";
import { keyIsTaken } from "./state/typing";
import { visible } from "./text/visible";
import { AirlineScreen } from "./screens/airline";
import { FlightScreen } from "./screens/flight";
import { AwayBanner, Gate } from "./screens/gate";
import { Help } from "./screens/help";
import { HomeScreen } from "./screens/home";
import { Nav } from "./screens/nav";
import { Palette } from "./screens/palette";
import { PlayerScreen } from "./screens/player";
import { ProductScreen } from "./screens/product";
import { DiagramScreen } from "./screens/diagram";
import { RecordScreen } from "./screens/record";
import { SqlScreen } from "./screens/sql";
import { TableScreen } from "./screens/table";
import { TopBar } from "./screens/topbar";

function onKeyDown(event: KeyboardEvent): void {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    showFind();
  } else if (event.altKey && event.key === "ArrowLeft") {
    event.preventDefault();
    history.back();
  } else if (!keyIsTaken(event) && !event.ctrlKey && !event.metaKey && !event.altKey) {
    if (event.key === "/") {
      event.preventDefault();
      showFind();
    } else if (event.key === "?") showHelp();
  }
}

const PLACES = { home: "Overview", sql: "SQL", diagram: "Diagram" };

function pageTitle(): string {
  const here = route.value;
  const database = session.value ? visible(session.value.target.database) : "";
  const place = isPlace(here) ? PLACES[here.screen] : "table" in here ? titleOf(here.table) : `${visible(here.key)} · ${titleOf(tableOf(here))}`;
  return [place, database, "skyteam studio"].filter(Boolean).join(" · ");
}

const SUBJECTS = { player: PlayerScreen, flight: FlightScreen, airline: AirlineScreen, product: ProductScreen };

function Screen() {
  const here = route.value;
  if (catalogProblem.value && !tables.value) {
    return (
      <main class="message" tabIndex={-1}>
        <RefusalBox refusal={catalogProblem.value}>
          <button type="button" class="button" onClick={() => void loadTables()}>
            Try again
          </button>
        </RefusalBox>
      </main>
    );
  }
  if (!tables.value) return <main class="message" tabIndex={-1} aria-busy="true" />;
  if (here.screen === "home") return <HomeScreen />;
  if (here.screen === "sql") return <SqlScreen />;
  if (here.screen === "diagram") return <DiagramScreen />;
  if (!("table" in here)) {
    const SubjectScreen = SUBJECTS[here.screen];
    return <SubjectScreen key={`${here.screen} ${here.key}`} view={here} />;
  }
  const table = tableNamed(here.table);
  if (!table) return <UnknownTable name={here.table} />;
  if (here.screen === "record") return <RecordScreen key={`${here.table} ${here.key}`} view={here} />;
  return <TableScreen key={here.table} view={here} table={table} />;
}

function UnknownTable({ name }: { name: string }) {
  const refusal = { code: "unknown_table", message: `no table "${name}"`, why: null, fix: null, retryable: false };
  return (
    <main class="message" tabIndex={-1}>
      <RefusalBox refusal={refusal}>
        <Link class="button" href="/">
          All tables
        </Link>
      </RefusalBox>
    </main>
  );
}

export function App() {
  const title = pageTitle();
  useEffect(() => {
    document.title = title;
  }, [title]);
  useEffect(() => {
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, []);
  if (status.value !== "open") return <Gate />;
  return (
    <>
      <TopBar />
      <AwayBanner />
      <div class="frame">
        <Nav />
        <Screen />
      </div>
      {overlay.value === "find" && <Palette onClose={closeOverlay} />}
      {overlay.value === "help" && <Help onClose={closeOverlay} />}
      {form.value && <ActionDialog key={form.value.title} shown={form.value} />}
      <Live />
    </>
  );
}
