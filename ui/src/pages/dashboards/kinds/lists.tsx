// Alerts and insights as panels: the most important first, each leading to its page.
import { fetchAlerts } from "../../../api/alerting";
import { msOf } from "../../../api/alertingTypes";
import { fetchInsights } from "../../../api/insight";
import { formatDuration } from "../../../lib/format";
import { compile, parseFilter } from "../../../lib/matchers";
import { t } from "../../../lib/text";
import { Icon } from "../../../parts/Icon";
import { Empty, Failed, Loading } from "../../../parts/states";
import { clock } from "../../../state/connection";
import { usePoll } from "../../../state/poll";
import { follow, hrefOf } from "../../../state/url";
import type { KindProps } from "../kinds";
import { fill } from "../scope";

const ROWS_MAX = 100;
const RANK: Record<string, number> = { critical: 0, warning: 1, info: 2 };

/** Whether labels agree with `severity="critical", job=~"a.*"`. */
function testOf(text: string): (labels: Record<string, string>) => boolean {
  const test = compile(parseFilter(text));
  return typeof test === "function" ? (labels) => test(labels) : () => true;
}

export function AlertList({ panel, scope, placed, title }: KindProps) {
  const asked = usePoll("dashboard alerts", (signal) => fetchAlerts(signal));
  const filter = fill(panel.match ?? "", scope, placed.own);
  const test = testOf(filter);
  if (asked.data === null) return asked.error ? <Failed message={asked.error} onRetry={asked.again} /> : <Loading />;
  const rows = asked.data.alerts.filter((a) => (a.state === "firing" || a.state === "pending") && test({ ...a.labels, severity: a.severity, alertstate: a.state })).sort((a, b) => (RANK[a.severity] ?? 3) - (RANK[b.severity] ?? 3));
  if (rows.length === 0)
    return (
      <Empty>
        <span class="up">
          <Icon name="ok" size={15} /> {t("over.alerts.empty")}
        </span>
      </Empty>
    );
  return (
    <ul class="dl" tabIndex={0} aria-label={title}>
      {rows.slice(0, ROWS_MAX).map((a) => (
        <li key={a.fingerprint}>
          <span class={`mark mark-${a.severity}`}>
            <Icon name={a.severity === "critical" ? "critical" : a.severity === "warning" ? "warning" : "info"} size={15} />
            <span class="sr-only">{a.severity}</span>
          </span>
          <a href={hrefOf("alerts", { open: a.fingerprint })} onClick={follow}>
            {a.labels["alertname"] ?? a.rule?.name}
          </a>
          <span class="soft dl-more">{a.annotations["summary"] ?? a.labels["instance"] ?? ""}</span>
          <span class="soft num">
            {t(a.state === "firing" ? "alert.firing" : "alert.pending")} {t("alert.since", { d: formatDuration(clock.value - msOf(a.fired_at ?? a.active_at)) })}
          </span>
        </li>
      ))}
    </ul>
  );
}

export function InsightList({ panel, scope, placed, title }: KindProps) {
  const asked = usePoll("dashboard insights", (signal) => fetchInsights("", "", signal), 30_000);
  const test = testOf(fill(panel.match ?? "", scope, placed.own));
  if (asked.data === null) return asked.error ? <Failed message={asked.error} onRetry={asked.again} /> : <Loading />;
  const rows = asked.data.insights.filter((i) => test({ ...i.labels, type: i.type }));
  if (rows.length === 0) return <Empty>{t("da.insights.none")}</Empty>;
  return (
    <ul class="dl" tabIndex={0} aria-label={title}>
      {rows.slice(0, ROWS_MAX).map((i) => (
        <li key={i.id}>
          <span class="badge">{i.type.replace(/_/g, " ")}</span>
          <a href={hrefOf("insights", { open: i.id })} onClick={follow}>
            {i.title}
          </a>
          <span class="soft dl-more">{i.description}</span>
          <span class="soft num">{t("da.ago", { d: formatDuration(clock.value - Date.parse(i.last_at)) })}</span>
        </li>
      ))}
    </ul>
  );
}
