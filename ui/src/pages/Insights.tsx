// The pages of analysis, one chunk: insights, anomalies, drift, recommendations, risks, assessments and accuracy.
import "../css/rules.css";
import "../css/insights.css";
import "../lib/textAlerting";
import "../lib/textInsight";
import { page } from "../state/url";
import { Accuracy } from "./insights/Accuracy";
import { Anomalies } from "./insights/Anomalies";
import { Assessments } from "./insights/Assessments";
import { Drift } from "./insights/Drift";
import { Feed } from "./insights/Feed";
import { Recommendations } from "./insights/Recommendations";
import { Risks } from "./insights/Risks";

const PAGES: Partial<Record<string, () => preact.JSX.Element>> = { insights: Feed, anomalies: Anomalies, drift: Drift, recommendations: Recommendations, risks: Risks, assessments: Assessments, accuracy: Accuracy };

export function Insights() {
  const Page = PAGES[page.value] ?? Feed;
  return <Page key={page.value} />;
}
