// The pages of alerting, one chunk: alerts, incidents, silences, history, rules and rule files.
import "../css/rules.css";
import "../lib/textAlerting";
import { page } from "../state/url";
import { Alerts } from "./alerting/Alerts";
import { Files } from "./alerting/Files";
import { History } from "./alerting/History";
import { Incidents } from "./alerting/Incidents";
import { Receivers } from "./alerting/Receivers";
import { Rules } from "./alerting/Rules";
import { Silences } from "./alerting/Silences";

const PAGES: Partial<Record<string, () => preact.JSX.Element>> = { alerts: Alerts, incidents: Incidents, silences: Silences, history: History, receivers: Receivers, rules: Rules, files: Files };

export function Alerting() {
  const Page = PAGES[page.value] ?? Alerts;
  return <Page key={page.value} />;
}
