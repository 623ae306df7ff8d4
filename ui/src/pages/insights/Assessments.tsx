// How hosts and services were: a strip of time for each, and why the worst of it.
import { useMemo } from "preact/hooks";
import { fetchAssessments, type Standing } from "../../api/insight";
import { formatCount, formatDateTime } from "../../lib/format";
import { t } from "../../lib/text";
import { resolveRange, type Span } from "../../lib/time";
import { Icon, type IconName } from "../../parts/Icon";
import { Empty } from "../../parts/states";
import { usePoll } from "../../state/poll";
import { follow, hrefOf, patch, url, zone } from "../../state/url";
import { momentOf } from "../alerting/marks";
import { Asked, Beside, Chips, ClearFilter, FilterBox, ListPage, Section, testOf } from "../alerting/shell";
import { pct } from "./pieces";
import { type Strip, stripsOf } from "./strips";

const EVERY_MS = 30_000;
const HOUR_MS = 3_600_000;
const ICONS: Record<Standing, IconName> = { normal: "ok", degraded: "warning", bad: "critical" };
const keyOf = (s: Strip) => `${s.by}:${s.name}`;
const at = (v: number) => `${(v * 100).toFixed(3)}%`;

const State = ({ of }: { of: Standing | null }) =>
  of ? (
    <span class={`mark standing standing-${of}`}>
      <Icon name={ICONS[of]} size={14} />
      {t(`as.state.${of}`)}
    </span>
  ) : (
    <span class="soft">{t("as.none")}</span>
  );

export function Assessments() {
  const { range, q, show, open } = url.value;
  const asked = usePoll(
    `assessments ${range.from} ${range.to}`,
    async (signal) => {
      const now = Date.now();
      const span = resolveRange(range, now) ?? { from: now - 24 * HOUR_MS, to: now };
      return { span, ...(await fetchAssessments(span.from, span.to, signal)) };
    },
    EVERY_MS,
  );
  const read = useMemo(() => testOf(q), [q]);
  const strips = useMemo(() => (asked.data ? stripsOf(asked.data.assessments, asked.data.span) : []), [asked.data]);
  const by = show || "instance";
  const its = strips.filter((s) => s.by === by);
  const rows = its.filter((s) => read.test({ [s.by]: s.name }, s.name));
  return (
    <ListPage
      bar={
        <>
          <Chips
            label={t("nav.assessments")}
            value={show}
            choices={[
              { value: "", label: t("as.by.instance"), count: asked.data ? strips.filter((s) => s.by === "instance").length : undefined },
              { value: "job", label: t("as.by.job"), count: asked.data ? strips.filter((s) => s.by === "job").length : undefined },
            ]}
            onPick={(v) => patch({ show: v, open: "" })}
          />
          <FilterBox bad={read.bad} shown={rows.length} all={its.length} hint={t("ins.filter.hint")} />
        </>
      }
      beside={open && asked.data ? <Detail of={strips.find((s) => keyOf(s) === open)} span={asked.data.span} /> : null}
    >
      <section class="panel list" aria-label={t("nav.assessments")}>
        <Asked of={asked}>
          {({ span, truncated, assessments }) =>
            rows.length === 0 ? (
              <Empty>
                <strong>{t(q ? "al.filter.none" : "as.empty")}</strong>
                {q ? <ClearFilter /> : <span>{t("as.empty.text")}</span>}
              </Empty>
            ) : (
              <ul class="strips scroll" tabIndex={0}>
                {rows.map((s) => (
                  <li key={keyOf(s)} class={`strip-row ${keyOf(s) === open ? "at" : ""}`}>
                    <button type="button" class="plain strong strip-name" aria-expanded={keyOf(s) === open} onClick={() => patch({ open: keyOf(s) === open ? "" : keyOf(s) })}>
                      {s.name}
                    </button>
                    <StripBar of={s} span={span} />
                    <State of={s.now} />
                    <span class="soft num strip-share">{t("as.share", { pct: pct(s.normal) })}</span>
                  </li>
                ))}
                {truncated ? <li class="soft">{t("hi.truncated", { n: formatCount(assessments.length) })}</li> : null}
                <li class="strip-row strip-axis soft num" aria-hidden="true">
                  <span />
                  <span class="strip-ends">
                    <span>{formatDateTime(span.from, zone.value)}</span>
                    <span>{formatDateTime(span.to, zone.value)}</span>
                  </span>
                </li>
              </ul>
            )
          }
        </Asked>
      </section>
    </ListPage>
  );
}

const StripBar = ({ of: s, span }: { of: Strip; span: Span }) => {
  const all = span.to - span.from;
  return (
    <span class="strip" role="img" aria-label={t("as.strip", { name: s.name, state: s.now ? t(`as.state.${s.now}`) : t("as.none"), pct: pct(s.normal) })}>
      {s.cells.map((c) => (
        <span
          key={c.from}
          class={`strip-cell strip-${c.state}`}
          style={{ left: at((c.from - span.from) / all), width: at((c.to - c.from) / all) }}
          title={t("as.cell", { from: formatDateTime(c.from, zone.value), to: formatDateTime(c.to, zone.value), state: t(`as.state.${c.state}`) })}
        />
      ))}
    </span>
  );
};

/** Spans that are told, the newest first. */
const TOLD = 50;

function Detail({ of: s, span }: { of: Strip | undefined; span: Span }) {
  if (!s) return null;
  return (
    <Beside label={t("as.detail", { name: s.name })} title={<span class="beside-name">{s.name}</span>} tools={<State of={s.now} />}>
      <StripBar of={s} span={span} />
      <Section title={t("as.reasons")}>
        <ol class="reasons">
          {[...s.cells]
            .reverse()
            .slice(0, TOLD)
            .map((c) => (
              <li key={c.from}>
                <p>
                  <State of={c.state} />{" "}
                  <span class="soft num">
                    {momentOf(c.from)} – {momentOf(c.to)} · {t("as.basis", { basis: c.of.basis })}
                  </span>
                </p>
                <ul>
                  {c.of.reasons.map((r) => (
                    <li key={r.text}>
                      <a href={hrefOf("explore", { expr: r.query, range: { from: String(Date.parse(r.at) - HOUR_MS), to: String(Math.min(Date.now(), Date.parse(r.at) + HOUR_MS / 2)) }, live: false })} onClick={follow}>
                        {r.text}
                      </a>
                    </li>
                  ))}
                </ul>
              </li>
            ))}
        </ol>
      </Section>
    </Beside>
  );
}
