import { render } from "preact";
import { App } from "./app";
import { watchCatalog } from "./state/catalog";
import { startSession } from "./state/session";
import { watchTheme } from "./state/theme";
import "./style/tokens.css";
import "./style/base.css";
import "./style/frame.css";
import "./style/grid.css";
import "./style/screens.css";
import "./style/overlays.css";
import "./style/pages.css";
import "./style/ask.css";

watchTheme();
watchCatalog();
render(<App />, document.getElementById("app")!);
void startSession();
