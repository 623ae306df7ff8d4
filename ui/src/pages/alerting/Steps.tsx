// What happened to one alert, in the order of time: its states, who took it, and the messages about it.
import { type EpisodeDoc, msOf, numberOf } from "../../api/alertingTypes";
import { formatDuration, formatValue, type Unit } from "../../lib/format";
import { t } from "../../lib/text";
import { momentOf, wordOf } from "./marks";

export interface Step {
  at: number;
  what: string;
  text: string;
}

export const StepList = ({ steps }: { steps: Step[] }) => (
  <ol class="steps">
    {steps.map((s, i) => (
      <li key={`${s.at} ${s.what} ${i}`} class={`step step-${s.what}`}>
        <span class="num soft">{momentOf(s.at)}</span>
        <span>{s.text}</span>
      </li>
    ))}
  </ol>
);

export function stepsOf(e: EpisodeDoc, unit: Unit): Step[] {
  const steps = e.transitions.map((x): Step => {
    const value = numberOf(x.value);
    // Nobody fires anew by taking an acknowledgement back.
    const what = x.from === "acknowledged" && x.to === "firing" ? "unacknowledged" : x.to;
    const by = what === "acknowledged" ? (e.acknowledged_by ?? "") : "";
    return { at: msOf(x.at), what, text: [wordOf("al.step", what), by, Number.isNaN(value) ? "" : t("al.step.value", { value: formatValue(value, unit) })].filter(Boolean).join(" · ") };
  });
  if (e.acknowledged_at && !steps.some((s) => s.what === "acknowledged")) steps.push({ at: msOf(e.acknowledged_at), what: "acknowledged", text: [t("al.step.acknowledged"), e.acknowledged_by].filter(Boolean).join(" · ") });
  for (const r of e.receipts ?? []) {
    const took = msOf(r.ended_at) - msOf(r.at);
    steps.push({ at: msOf(r.at), what: "notified", text: [`${r.receiver} (${r.integration})`, wordOf("al.said", r.said.toLowerCase()), wordOf("al.fate", r.outcome.toLowerCase()), Number.isNaN(took) ? "" : t("hi.after", { d: formatDuration(Math.max(0, took)) })].filter(Boolean).join(" · ") });
  }
  return steps.sort((a, b) => a.at - b.at);
}

export const Steps = ({ episode, unit }: { episode: EpisodeDoc; unit: Unit }) => <StepList steps={stepsOf(episode, unit)} />;
