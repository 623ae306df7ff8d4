// What is stored: how much, where, for how long, and the two things that can be asked of it.
import { useState } from "preact/hooks";
import { fetchConfig, storageDo } from "../../api/status";
import { formatCount, formatValue } from "../../lib/format";
import { t } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import { Panel, type PanelSpec } from "../../parts/Panel";
import { useFigures, lastValue } from "../../state/figures";
import { usePoll } from "../../state/poll";
import { Asked } from "../alerting/shell";
import { retentionOf } from "./found";

const m = (id: string, expr: string) => ({ id, expr });
const ASKS = [
  m("series", "max(plimsoll_store_series)"),
  m("rate", "sum(rate(plimsoll_store_samples_total[1m]))"),
  m("head", "max(plimsoll_store_head_samples)"),
  m("headBytes", "max(plimsoll_store_head_bytes)"),
  m("parts", "max(plimsoll_store_parts)"),
  m("partBytes", "max(plimsoll_store_part_bytes)"),
  m("partSamples", "max(plimsoll_store_part_samples)"),
  m("tiers", "sum(plimsoll_store_tier_bytes)"),
  m("wal", "max(plimsoll_store_wal_bytes)"),
  m("segments", "max(plimsoll_store_wal_segments)"),
  m("sync", "sum(rate(plimsoll_store_wal_sync_seconds_total[5m])) / sum(rate(plimsoll_store_wal_syncs_total[5m]))"),
  m("cache", "sum(rate(plimsoll_store_cache_hits_total[5m])) / (sum(rate(plimsoll_store_cache_hits_total[5m])) + sum(rate(plimsoll_store_cache_misses_total[5m])))"),
  m("refusing", "max(plimsoll_store_refusing_writes)"),
  m("clock", "max(plimsoll_store_clock_in_doubt)"),
  m("quarantined", "max(plimsoll_store_parts_quarantined_total)"),
];

const PANELS: () => PanelSpec[] = () => [
  { id: "st.samples", title: t("st.p.samples"), note: t("st.p.samples.note"), unit: "ops/s", area: true, asks: [{ id: "s", name: t("st.p.samples"), expr: "sum(rate(plimsoll_store_samples_total[1m]))" }] },
  {
    id: "st.bytes",
    title: t("st.p.bytes"),
    note: t("st.p.bytes.note"),
    unit: "bytes",
    asks: [
      { id: "p", name: t("st.p.parts"), expr: "max(plimsoll_store_part_bytes)" },
      { id: "w", name: t("st.p.wal"), expr: "max(plimsoll_store_wal_bytes)" },
      { id: "h", name: t("st.p.head"), expr: "max(plimsoll_store_head_bytes)" },
    ],
  },
  { id: "st.series", title: t("col.series"), note: t("st.p.series.note"), unit: "short", area: true, asks: [{ id: "s", name: t("col.series"), expr: "max(plimsoll_store_series)" }] },
];

const bytes = (v: number) => formatValue(v, "bytes");
const count = (v: number) => (Number.isFinite(v) ? formatCount(v) : "–");

export function Storage() {
  const asked = useFigures({ key: "storage", asks: ASKS, spanMs: 60_000, points: 1, everyMs: 10_000 });
  const config = usePoll("config", fetchConfig, Number.POSITIVE_INFINITY);
  const panels = useState(PANELS)[0];
  const kept = config.data === null ? null : retentionOf(config.data);
  return (
    <div class="status-body">
      <section class="panel" aria-label={t("st.storage")}>
        <Asked of={asked}>
          {(of) => {
            const v = (id: string) => lastValue(of, id);
            const troubles = [v("refusing") > 0 ? t("st.s.refusing") : "", v("clock") > 0 ? t("st.s.clock") : "", v("quarantined") > 0 ? t("st.s.quarantined", { n: v("quarantined") }) : ""].filter(Boolean);
            return of.get("series")?.length ? (
              <>
                <div class="storage-said">
                  {troubles.length ? (
                    troubles.map((x) => (
                      <p key={x} class="down">
                        <Icon name="critical" size={15} /> {x}
                      </p>
                    ))
                  ) : (
                    <p class="up">
                      <Icon name="ok" size={15} /> {t("st.s.fine")}
                    </p>
                  )}
                  {kept ? (
                    <p class="soft">
                      {t("st.s.retention", { d: kept.time ?? t("st.s.retention.default") })} {kept.size ? t("st.s.retention.size", { size: kept.size }) : ""}
                    </p>
                  ) : null}
                </div>
                <dl class="tiles">
                  <Tile value={count(v("series"))} name={t("st.s.series")} />
                  <Tile value={formatValue(v("rate"), "short")} name={t("st.s.rate")} />
                  <Tile value={count(v("head"))} name={t("st.s.head", { bytes: bytes(v("headBytes")) })} />
                  <Tile value={count(v("parts"))} name={t("st.s.parts", { bytes: bytes(v("partBytes")) })} />
                  <Tile value={count(v("partSamples"))} name={t("st.s.partsamples")} />
                  <Tile value={v("partSamples") > 0 ? (v("partBytes") / v("partSamples")).toFixed(2) : "–"} name={t("st.s.persample")} />
                  <Tile value={bytes(v("tiers"))} name={t("st.s.tiers")} />
                  <Tile value={bytes(v("wal"))} name={t("st.s.wal", { n: v("segments") })} />
                  <Tile value={formatValue(v("sync"), "seconds")} name={t("st.s.sync")} />
                  <Tile value={formatValue(v("cache"), "ratio")} name={t("st.s.cache")} />
                </dl>
              </>
            ) : (
              <p class="soft state">{t("st.p.own.off")}</p>
            );
          }}
        </Asked>
      </section>
      <section class="panel storage-acts">
        <Act what="flush" />
        <Act what="merge" />
      </section>
      <div class="section-panels">
        {panels.map((p) => (
          <Panel key={p.id} spec={p} />
        ))}
      </div>
    </div>
  );
}

export const Tile = ({ value, name }: { value: string; name: string }) => (
  <div class="tile">
    <dd class="num tile-value">{value}</dd>
    <dt class="soft">{name}</dt>
  </div>
);

function Act({ what }: { what: "flush" | "merge" }) {
  const [state, setState] = useState<{ busy: boolean; said: string; bad: boolean }>({ busy: false, said: "", bad: false });
  const run = async () => {
    const began = performance.now();
    setState({ busy: true, said: t("st.s.busy"), bad: false });
    try {
      await storageDo(what);
      setState({ busy: false, said: t("st.s.done", { d: formatValue((performance.now() - began) / 1000, "seconds") }), bad: false });
    } catch (e) {
      setState({ busy: false, said: (e as Error).message, bad: true });
    }
  };
  return (
    <div class="storage-act">
      <button type="button" class="button" disabled={state.busy} onClick={() => void run()}>
        {t(`st.s.${what}`)}
      </button>
      <span class="soft">{t(`st.s.${what}.text`)}</span>
      <span class={state.bad ? "field-error" : "up"} role="status">
        {state.said}
      </span>
    </div>
  );
}
