// The metric browser: every name, filtered as you type, with its type and help. Only the visible rows exist.
import { useEffect, useRef, useState } from "preact/hooks";
import { matches } from "../../lib/matches";
import { t } from "../../lib/text";
import { Empty, Failed, Loading } from "../../parts/states";
import { metrics, wantMetrics } from "../../state/names";
import { follow, hrefOf } from "../../state/url";

const ROW_PX = 44;
const AROUND = 6;

export function MetricBrowser({ onPick }: { onPick: (expr: string) => void }) {
  const [query, setQuery] = useState("");
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
        <NameList names={found} onPick={onPick} />
      )}
    </section>
  );
}

function NameList({ names, onPick }: { names: string[]; onPick: (expr: string) => void }) {
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
          return (
            <button type="button" key={name} class="metric" style={{ top: `${(first + i) * ROW_PX}px`, height: `${ROW_PX}px` }} title={m?.help} onClick={() => onPick(m?.type === "counter" ? `rate(${name}[1m])` : name)}>
              <span class="mono metric-name">{name}</span>
              <span class="soft metric-help">{[m?.type, m?.help].filter(Boolean).join(" · ") || t("explore.metrics.nohelp")}</span>
            </button>
          );
        })}
      </div>
    </div>
  );
}
