// What the pages of one host and of one service share: the index of sections, the ribbon of what was unusual, and what
// is known of it elsewhere.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { type CapacityHead, fetchAssessments, fetchCapacity, fetchInsights, type InsightHead } from "../../api/glance";
import { formatMatcher } from "../../lib/matchers";
import { formatClock, formatValue } from "../../lib/format";
import { t } from "../../lib/text";
import { resolveRange } from "../../lib/time";
import { Icon } from "../../parts/Icon";
import { Panel, type PanelSpec } from "../../parts/Panel";
import { useFigures } from "../../state/figures";
import { overview } from "../../state/overview";
import { placeNamed } from "../../state/places";
import { usePoll } from "../../state/poll";
import { follow, hrefOf, url, zone } from "../../state/url";
import { quoted } from "./use";

export interface PageSection {
  id: string;
  title: string;
  level?: "ok" | "warning" | "critical";
  body: ComponentChildren;
}

/** Sections below each other, with their index on the right (above them on narrow screens). */
export function Sections({ sections, children }: { sections: PageSection[]; children?: ComponentChildren }) {
  const [seen, setSeen] = useState(sections[0]?.id ?? "");
  const ids = sections.map((s) => s.id).join();
  useEffect(() => {
    const watch = new IntersectionObserver(
      (all) => {
        const first = all.filter((e) => e.isIntersecting).sort((a, b) => a.boundingClientRect.top - b.boundingClientRect.top)[0];
        if (first) setSeen(first.target.id.replace(/^section-/, ""));
      },
      { rootMargin: "-10% 0px -60% 0px" },
    );
    for (const el of document.querySelectorAll(".section[id]")) watch.observe(el);
    return () => watch.disconnect();
  }, [ids]);
  const jump = (id: string) => {
    const el = document.getElementById(`section-${id}`);
    el?.scrollIntoView({ block: "start" });
    el?.focus({ preventScroll: true });
  };
  return (
    <div class="sections">
      <div class="sections-all">
        {children}
        {sections.map((s) => (
          <section key={s.id} id={`section-${s.id}`} class="section" tabIndex={-1} aria-label={s.title}>
            <h2 class="section-title">{s.title}</h2>
            {s.body}
          </section>
        ))}
      </div>
      <nav class="sections-index" aria-label={t("ho.index")}>
        {sections.map((s) => (
          <button type="button" key={s.id} class="section-link" aria-current={seen === s.id ? "true" : undefined} onClick={() => jump(s.id)}>
            {s.level && s.level !== "ok" ? <Icon name={s.level} size={13} /> : null}
            {s.title}
          </button>
        ))}
      </nav>
    </div>
  );
}

export const Panels = ({ specs }: { specs: PanelSpec[] }) => (
  <div class="section-panels">
    {specs.map((p) => (
      <Panel key={p.id} spec={p} />
    ))}
  </div>
);

const RIBBON_CELLS = 120;

/** When many series of it were unusual, over the range of the page. */
export function Ribbon({ by, name }: { by: "instance" | "job"; name: string }) {
  const { range } = url.value;
  const span = resolveRange(range, Date.now()) ?? { from: 0, to: 3_600_000 };
  const live = range.to === "now";
  const asked = useFigures({ key: `ribbon ${by} ${name} ${range.from} ${range.to}`, asks: live ? [{ id: "rate", expr: `plimsoll_anomaly_rate{by="${by}",${by}=${quoted(name)}}` }] : [], spanMs: span.to - span.from, points: RIBBON_CELLS, everyMs: 30_000 });
  const figure = asked.data?.get("rate")?.[0];
  if (!live) return null;
  if (!figure) return asked.data ? <p class="soft ribbon-none">{t("ho.ribbon.none")}</p> : <div class="ribbon ribbon-wait" />;
  const values = [...figure.values];
  const max = Math.max(0, ...values.filter(Number.isFinite));
  const ratio = (v: number) => formatValue(v, "ratio");
  return (
    <div class="ribbon-row">
      <span class="soft ribbon-name">{t("ho.ribbon")}</span>
      <div class="ribbon" role="img" aria-label={t("ho.ribbon.text", { name, max: ratio(max), now: ratio(figure.last) })}>
        {values.map((v, i) => (
          <span
            key={i}
            class={`ribbon-cell ${!Number.isFinite(v) ? "ribbon-gap" : v >= 0.1 ? "ribbon-hot" : v > 0 ? "ribbon-warm" : ""}`}
            title={Number.isFinite(v) ? `${formatClock(span.to - (values.length - 1 - i) * ((span.to - span.from) / values.length), zone.value, false)}: ${ratio(v)}` : undefined}
          />
        ))}
      </div>
      <span class="num soft">{ratio(figure.last)}</span>
    </div>
  );
}

const KNOWN_MAX = 6;
const DAY_MS = 86_400_000;

interface Known {
  insights: InsightHead[];
  capacity: CapacityHead[];
  reasons: { text: string; query?: string }[];
}

const settled = <T,>(r: PromiseSettledResult<T[]>): T[] => (r.status === "fulfilled" ? r.value : []);

/** Alerts, insights, capacity and the last assessment of a host or a service. */
export function Related({ by, name }: { by: "instance" | "job"; name: string }) {
  const asked = usePoll<Known>(
    `known ${by} ${name}`,
    async (signal) => {
      const [insights, capacity, assessed] = await Promise.allSettled([fetchInsights(200, signal), fetchCapacity(signal), fetchAssessments(by, name, Date.now() - DAY_MS, signal)]);
      const mine = <T extends { labels?: Record<string, string> }>(all: T[]) => all.filter((x) => x.labels?.[by] === name);
      const last = settled(assessed).filter((a) => a.name === name)[0];
      return { insights: mine(settled(insights)), capacity: mine(settled(capacity)).filter((c) => c.state && c.state !== "ok" && c.state !== "learning"), reasons: last?.state === "normal" ? [] : (last?.reasons ?? []) };
    },
    30_000,
  );
  const alerts = (overview.value.doc?.alerts ?? []).filter((a) => a.labels[by] === name && a.state === "firing");
  const known = asked.data;
  const rows: { kind: string; text: string; href: string | undefined; level: "critical" | "warning" | "info" }[] = [
    ...alerts.map((a) => ({ kind: t("ho.related.alerts"), text: a.summary || a.name, href: hrefOf("alerts", { q: [{ name: "alertname", value: a.name }, { name: by, value: name }].map((m) => formatMatcher({ ...m, isRegex: false, isEqual: true })).join(" ") }), level: a.severity === "critical" ? ("critical" as const) : ("warning" as const) })),
    ...(known?.reasons ?? []).map((r) => ({ kind: t("ho.related.state"), text: r.text, href: r.query ? hrefOf("explore", { expr: r.query }) : undefined, level: "warning" as const })),
    ...(known?.capacity ?? []).map((c) => ({ kind: t("ho.related.capacity"), text: [c.title, c.text].filter(Boolean).join(": "), href: placed("capacity", c.id), level: "warning" as const })),
    ...(known?.insights ?? []).map((i) => ({ kind: t("ho.related.insights"), text: i.title, href: placed("insights", i.id), level: "info" as const })),
  ];
  return (
    <section class="panel noted" aria-label={t("ho.related")}>
      <h2 class="sr-only">{t("ho.related")}</h2>
      {rows.length === 0 ? (
        <p class="soft related-none">
          <Icon name="ok" size={15} /> {t("ho.related.none")}
        </p>
      ) : (
        <ul>
          {rows.slice(0, KNOWN_MAX).map((r) => (
            <li key={r.kind + r.text} class={`related-${r.level}`}>
              <Icon name={r.level} size={15} />
              <span class="soft related-kind">{r.kind}</span>
              {r.href ? (
                <a href={r.href} onClick={follow}>
                  {r.text}
                </a>
              ) : (
                <span>{r.text}</span>
              )}
            </li>
          ))}
          {rows.length > KNOWN_MAX ? <li class="soft">{t("health.more", { n: rows.length - KNOWN_MAX })}</li> : null}
        </ul>
      )}
    </section>
  );
}

const placed = (page: string, open: string) => {
  const name = placeNamed(page);
  return name && hrefOf(name, { open });
};
