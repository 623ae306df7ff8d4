// What may explain what a query shows in a window: what changed then, and the series that stood out, ranked, each drawn.
import { type ChangeDoc, fetchChanges, fetchRelated, type RelatedDoc } from "../../api/insight";
import { formatCount, formatDuration, formatMoment } from "../../lib/format";
import { t } from "../../lib/text";
import type { Span } from "../../lib/time";
import { Icon, type IconName } from "../../parts/Icon";
import { QueryChart } from "../../parts/QueryChart";
import { Failed, Loading } from "../../parts/states";
import { usePoll } from "../../state/poll";
import { follow, hrefOf, zone } from "../../state/url";
import { wordOf } from "../alerting/marks";
import { Bar } from "./pieces";

const RELATED = 12;
const CHANGES = 20;
const CHANGE_ICONS: Record<string, IconName> = { restart: "learning", deployment: "play", configuration: "edit", level_shift: "chart", appeared: "plus", gone: "eyeoff" };

export const ChangeRow = ({ of: c, children }: { of: ChangeDoc; children?: preact.ComponentChildren }) => (
  <li class="change">
    <Icon name={CHANGE_ICONS[c.kind] ?? "info"} size={15} />
    <span class="num soft">{formatMoment(Date.parse(c.at), Date.now(), zone.value)}</span>
    <span class="badge">{wordOf("why.kind", c.kind)}</span>
    <span class="change-text">{c.text}</span>
    {children}
  </li>
);

/** What is known of who moved first. */
const lagText = (s: number): string => (Math.abs(s) < 1 ? t("why.together") : t(s < 0 ? "why.before" : "why.after", { d: formatDuration(Math.abs(s) * 1000) }));

export function Causes({ query, window }: { query: string; window: Span }) {
  const key = `${query} ${window.from} ${window.to}`;
  const related = usePoll(`related ${key}`, (signal) => fetchRelated(query, window, RELATED, signal), Number.POSITIVE_INFINITY);
  const changes = usePoll(`changes ${key}`, (signal) => fetchChanges(window, CHANGES, false, signal), Number.POSITIVE_INFINITY);
  const found = related.data?.related ?? [];
  return (
    <div class="causes">
      <h4>{t("why.changes")}</h4>
      {changes.error ? (
        <p class="field-error">{changes.error}</p>
      ) : changes.data === null ? (
        <Loading />
      ) : changes.data.changes.length === 0 ? (
        <p class="soft">{t("why.changes.none")}</p>
      ) : (
        <ul class="changes">
          {changes.data.changes.map((c) => (
            <ChangeRow key={`${c.at} ${c.text}`} of={c} />
          ))}
        </ul>
      )}
      <h4>{t("why.related")}</h4>
      {related.status === 404 ? (
        <p class="soft">{t("why.nothing")}</p>
      ) : related.error ? (
        <Failed message={related.error} onRetry={related.again} />
      ) : related.data === null ? (
        <>
          <p class="soft" role="status">
            {t("why.busy")}
          </p>
          <Loading />
        </>
      ) : (
        <>
          <p class="soft num" role="status">
            {t("why.looked", { n: formatCount(related.data.looked_at), ms: formatCount(related.data.took_ms) })}
            {related.data.focus.deviates < 3 ? ` ${t("why.weak")}` : ""}
          </p>
          {found.length === 0 ? <p>{t("ins.causes.none")}</p> : null}
          <ol class="related">
            {found.map((r) => (
              <Related key={r.query} of={r} window={window} />
            ))}
          </ol>
        </>
      )}
    </div>
  );
}

function Related({ of: r, window }: { of: RelatedDoc; window: Span }) {
  const span = window.to - window.from;
  const range = { from: String(Math.round(window.from - span / 2)), to: String(Math.round(window.to)) };
  return (
    <li class="related-one">
      <header>
        <Bar share={r.score} />
        <span class="num strong">{Math.round(r.score * 100)}</span>
        <a class="mono related-name" href={hrefOf("explore", { expr: r.query, range, live: false })} onClick={follow}>
          {r.metric}
        </a>
        <span class="soft num">{lagText(r.lag_seconds)}</span>
      </header>
      <p>{r.text}</p>
      <QueryChart title={r.metric} asks={[{ id: "r", expr: r.query }]} range={range} shades={[window]} small noWhy />
    </li>
  );
}
