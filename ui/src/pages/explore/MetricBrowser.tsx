// The metric browser: every name, filtered as you type, with its type and help. Only the visible rows exist.
import { useEffect, useRef, useState } from "preact/hooks";
import { formatCount } from "../../lib/format";
import { matches } from "../../lib/matches";
import { t } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import { Empty, Failed, Loading } from "../../parts/states";
import { metrics, wantMetrics } from "../../state/names";
import { usePoll } from "../../state/poll";
import { follow, hrefOf, type url } from "../../state/url";
import { valuesOf } from "../status/found";
import { countOf, largest, seriesOf } from "./many";

const ROW_PX = 44;
const AROUND = 6;

/** Series of a metric whose labels are looked at. */
const SERIES_MAX = 2_000;
/** Labels that are named. */
const LABELS_MAX = 8;

type Pick = (expr: string, change?: Partial<typeof url.value>) => void;

export function MetricBrowser({ onPick }: { onPick: Pick }) {
  const [query, setQuery] = useState("");
  const [about, setAbout] = useState("");
  useEffect(() => void wantMetrics(), []);
  const { status, names, error } = metrics.value;
  const found = matches(names, query, names.length);
  return (
    <section class="panel metrics" aria-label={t("explore.metrics")}>
      <header class="panel-head">
        <h2>{t("explore.metrics")}</h2>
        <span class="soft num panel-note">{names.length ? t("explore.metrics.count", { shown: found.length, all: names.length }) : ""}</span>
      </header>
      <p class="metrics-more">
        <a href={hrefOf("status", { show: "cardinality" })} onClick={follow}>
          {t("explore.cardinality")}
        </a>
      </p>
      <div class="metrics-filter">
        <input class="input" type="search" aria-label={t("explore.metrics.filter")} placeholder={t("explore.metrics.filter")} value={query} onInput={(e) => setQuery(e.currentTarget.value)} spellcheck={false} />
      </div>
      {about ? <About key={about} name={about} onPick={onPick} onClose={() => setAbout("")} /> : null}
      {status === "loading" ? (
        <Loading />
      ) : status === "error" ? (
        <Failed message={error} onRetry={() => void wantMetrics(true)} />
      ) : names.length === 0 ? (
        <Empty>
          {t("explore.metrics.empty")}
          <button type="button" class="button" onClick={() => void wantMetrics(true)}>
            {t("error.retry")}
          </button>
        </Empty>
      ) : found.length === 0 ? (
        <Empty>{t("explore.metrics.none", { q: query })}</Empty>
      ) : (
        <NameList names={found} about={about} onAbout={(name) => setAbout(name === about ? "" : name)} onPick={onPick} />
      )}
    </section>
  );
}

/** How many series a metric has, and what makes them so many. */
function About({ name, onPick, onClose }: { name: string; onPick: Pick; onClose: () => void }) {
  const selector = `{__name__=${JSON.stringify(name)}}`;
  const asked = usePoll(
    `about ${name}`,
    async (signal) => {
      const [n, series] = await Promise.all([countOf(selector, signal), seriesOf(selector, SERIES_MAX, signal)]);
      return { n, labels: valuesOf(series).slice(0, LABELS_MAX), part: series.length >= SERIES_MAX };
    },
    Number.POSITIVE_INFINITY,
  );
  const d = asked.data;
  return (
    <section class="metric-about" aria-label={t("ex.metric.about", { name })}>
      <header>
        <strong class="mono">{name}</strong>
        <button type="button" class="button button-icon" aria-label={t("common.close")} onClick={onClose}>
          <Icon name="close" size={14} />
        </button>
      </header>
      {d === null ? (
        asked.error ? (
          <Failed message={asked.error} onRetry={asked.again} />
        ) : (
          <Loading />
        )
      ) : (
        <>
          <span class="num">{t("ex.metric.series", { n: formatCount(d.n) })}</span>
          <span class="soft">{d.labels.length ? `${t("ex.metric.labels")}${d.part ? `, ${t("ex.metric.part", { n: formatCount(SERIES_MAX) })}` : ""}` : t("ex.metric.nolabels")}</span>
          <ul>
            {d.labels.map((l) => (
              <li key={l.name}>
                <button type="button" class="plain mono" title={t("ex.metric.by", { name: l.name })} onClick={() => onPick(`topk(20, count by (${l.name}) (${selector}))`, { tab: "table" })}>
                  {l.name}
                </button>
                <span class="num">{formatCount(l.value)}</span>
              </li>
            ))}
          </ul>
          <a href={hrefOf("status", { show: "cardinality", open: name })} onClick={follow}>
            {t("ex.metric.page")}
          </a>
        </>
      )}
    </section>
  );
}

/** What somebody wants to see who picks a metric: what a counter gains, how buckets fill. */
function pick(name: string, type: string | undefined, onPick: Pick): void {
  if (name.endsWith("_bucket")) onPick(`sum by (le) (rate(${name}[1m]))`, { tab: "chart", view: "heat" });
  else onPick(type === "counter" ? `rate(${name}[1m])` : name);
}

interface ListProps {
  names: string[];
  about: string;
  onAbout: (name: string) => void;
  onPick: Pick;
}

function NameList({ names, about, onAbout, onPick }: ListProps) {
  const ref = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const measure = () => ref.current && setView({ top: ref.current.scrollTop, height: ref.current.clientHeight });
  useEffect(() => {
    measure();
    addEventListener("resize", measure);
    return () => removeEventListener("resize", measure);
  }, []);
  const first = Math.max(0, Math.floor(view.top / ROW_PX) - AROUND);
  const last = Math.min(names.length, Math.ceil((view.top + view.height) / ROW_PX) + AROUND);
  return (
    <div class="metrics-list" ref={ref} onScroll={measure}>
      <div class="metrics-all" style={{ height: `${names.length * ROW_PX}px` }}>
        {names.slice(first, last).map((name, i) => {
          const m = metrics.value.meta.get(name);
          const many = largest.value.get(name);
          return (
            <div key={name} class="metric-row" style={{ top: `${(first + i) * ROW_PX}px`, height: `${ROW_PX}px` }}>
              <button type="button" class="metric" title={m?.help} onClick={() => pick(name, m?.type, onPick)}>
                <span class="mono metric-name">{name}</span>
                <span class="soft metric-help">{[m?.type, m?.help].filter(Boolean).join(" · ") || t("explore.metrics.nohelp")}</span>
              </button>
              {many ? (
                <span class="soft num metric-count" title={t("ex.metric.series", { n: formatCount(many) })}>
                  {formatCount(many)}
                </span>
              ) : null}
              <button type="button" class="button button-icon" aria-expanded={about === name} aria-label={t("ex.metric.about", { name })} title={t("ex.metric.about", { name })} onClick={() => onAbout(name)}>
                <Icon name="info" size={15} />
              </button>
            </div>
          );
        })}
      </div>
    </div>
  );
}
