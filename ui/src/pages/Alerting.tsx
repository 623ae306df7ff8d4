// The pages of alerting, one chunk: alerts, incidents, silences, history, rules and rule files.
import "../lib/textAlerting";
import { useEffect } from "preact/hooks";
import { subscribe } from "../state/connection";
import { page, url } from "../state/url";
import { Alerts } from "./alerting/Alerts";
import { Rules } from "./alerting/Rules";
import { Silences } from "./alerting/Silences";

const PAGES: Partial<Record<string, () => preact.JSX.Element>> = { alerts: Alerts, silences: Silences, rules: Rules };

export function Alerting() {
  const { live } = url.value;
  // Keeps the line to the server open, so that the page says within seconds when it is lost.
  useEffect(() => (live ? subscribe({ id: "alerting", topic: "overview" }, () => {}) : undefined), [live]);
  const Page = PAGES[page.value] ?? Alerts;
  return <Page key={page.value} />;
}
