// Entry: styles, theme, then the app.
import { render } from "preact";
import "./css/tokens.css";
import "./css/base.css";
import "./css/frame.css";
import "./css/parts.css";
import "./css/pages.css";
import "./css/lists.css";
import "./css/alerting.css";
import "./state/prefs";
import { App } from "./parts/App";

const root = document.getElementById("app");
if (root) render(<App />, root);
