// Silences: what is muted, since when, until when, by whom and why; made, changed and ended here.
import { useMemo, useState } from "preact/hooks";
import { expireSilence, fetchSilences } from "../../api/alerting";
import type { SilenceDoc, Window } from "../../api/alertingTypes";
import { formatDuration } from "../../lib/format";
import { formatMatcher } from "../../lib/matchers";
import { useNarrow } from "../../lib/media";
import { t } from "../../lib/text";
import { Dialog } from "../../parts/Dialog";
import { Icon } from "../../parts/Icon";
import { Empty } from "../../parts/states";
import { Cell, HeadCell, VirtualGrid } from "../../parts/VirtualGrid";
import { usePoll } from "../../state/poll";
import { patch, url } from "../../state/url";
import { Fact } from "./AlertDetail";
import { FormFoot, useSending } from "./form";
import { beat, momentOf, StateMark, Time } from "./marks";
import { Asked, Beside, Chips, ClearFilter, FilterBox, ListPage, pickShow, Section, testOf } from "./shell";
import { type From, onceMore } from "./silence";
import { Preview, SilenceDialog } from "./SilenceDialog";

const STATES = ["active", "pending", "expired"] as const;
const ROW_PX = 44;
const NARROW_PX = 84;

type Doing = { edit: From } | { expire: SilenceDoc } | null;

const ends = (s: SilenceDoc) => Date.parse(s.endsAt);
const mutes = (s: SilenceDoc) => s.matchers.map(formatMatcher).join(", ");
/** What passes a filter: its matchers count as labels. */
const labelsOf = (s: SilenceDoc) => Object.fromEntries(s.matchers.map((m) => [m.name, m.value]));

function when(s: SilenceDoc, now: number): string {
  const [from, to] = [Date.parse(s.startsAt), ends(s)];
  if (s.status.state === "pending") return t("si.from", { at: momentOf(from), d: formatDuration(from - now) });
  if (s.status.state === "expired") return t("si.over", { at: momentOf(to) });
  return t("si.until", { at: momentOf(to), d: formatDuration(to - now) });
}

const When = ({ silence }: { silence: SilenceDoc }) => <>{when(silence, beat())}</>;

export const windowText = (w: Window): string =>
  [(w.weekdays ?? []).join(", ") || t("si.window.every"), (w.times ?? []).map((x) => `${x.start_time}–${x.end_time}`).join(", "), ...(w.days_of_month ?? []), ...(w.months ?? []), ...(w.years ?? []), w.location ?? "UTC"].filter(Boolean).join(" · ");

export function Silences() {
  const polled = usePoll("silences", fetchSilences);
  const { q, open } = url.value;
  const show = STATES.find((s) => s === url.value.show) ?? "active";
  const [doing, setDoing] = useState<Doing>(null);
  const { test, bad } = useMemo(() => testOf(q), [q]);
  const passed = useMemo(() => (polled.data ?? []).filter((s) => test(labelsOf(s), s.comment, s.createdBy)), [polled.data, test]);
  const counts = Object.fromEntries(STATES.map((s) => [s, passed.filter((x) => x.status.state === s).length]));
  const rows = useMemo(() => passed.filter((s) => s.status.state === show).sort((a, b) => (show === "expired" ? ends(b) - ends(a) : ends(a) - ends(b)) || a.id.localeCompare(b.id)), [passed, show]);
  const current = polled.data?.find((s) => s.id === open);
  const done = () => {
    setDoing(null);
    polled.again();
  };
  // One that got other labels is another silence.
  const saved = (edited: From, id: string) => {
    if (open && edited.id === open) patch({ open: id }, "replace");
    done();
  };
  const onKey = (e: KeyboardEvent) => {
    if (e.key !== "Escape" || !open) return false;
    patch({ open: "" });
    return true;
  };
  return (
    <ListPage
      tools={
        <button type="button" class="button button-main" onClick={() => setDoing({ edit: { matchers: [] } })}>
          <Icon name="plus" size={15} />
          <span class="new-label">{t("si.new")}</span>
        </button>
      }
      bar={
        <>
          <FilterBox bad={bad} shown={passed.length} all={polled.data?.length ?? 0} />
          <Chips label={t("si.show")} value={show === "active" ? "" : show} choices={STATES.map((s) => ({ value: s === "active" ? "" : s, label: t(`si.${s}`), count: polled.data ? counts[s] : undefined }))} onPick={pickShow} />
        </>
      }
      beside={open && current ? <Detail key={open} silence={current} onDo={setDoing} /> : null}
    >
      <section class="panel list" aria-label={t("nav.silences")}>
        <Asked of={polled}>{() => (rows.length === 0 ? <NoSilences filtered={q !== "" && passed.length === 0} expired={show === "expired"} /> : <List rows={rows} open={open} onKey={onKey} />)}</Asked>
      </section>
      {doing && "edit" in doing ? <SilenceDialog from={doing.edit} onClose={() => setDoing(null)} onDone={(id) => saved(doing.edit, id)} /> : null}
      {doing && "expire" in doing ? <ExpireDialog silence={doing.expire} onClose={() => setDoing(null)} onDone={done} /> : null}
    </ListPage>
  );
}

function NoSilences({ filtered, expired }: { filtered: boolean; expired: boolean }) {
  if (filtered)
    return (
      <Empty>
        {t("al.filter.none")}
        <ClearFilter />
      </Empty>
    );
  return (
    <Empty>
      <strong>{t(expired ? "si.empty.expired" : "si.empty")}</strong>
      {expired ? null : <span>{t("si.empty.text")}</span>}
    </Empty>
  );
}

const Head = () => (
  <>
    <HeadCell>{t("col.state")}</HeadCell>
    <HeadCell>{t("si.col.what")}</HeadCell>
    <HeadCell>{t("si.col.when")}</HeadCell>
    <HeadCell>{t("si.col.who")}</HeadCell>
  </>
);

function List({ rows, open, onKey }: { rows: SilenceDoc[]; open: string; onKey: (e: KeyboardEvent) => boolean }) {
  const narrow = useNarrow();
  return (
    <VirtualGrid kind="grid-silences" label={t("nav.silences")} rows={rows} rowPx={narrow ? NARROW_PX : ROW_PX} keyOf={(s) => s.id} open={open} onOpen={(s) => patch({ open: s.id === open ? "" : s.id })} onKey={onKey} head={narrow ? undefined : <Head />} classOf={() => "row-silence"}>
      {(s) => (
        <>
          <Cell class="cell-state">
            <StateMark state={s.status.state === "active" ? "silenced" : s.status.state === "pending" ? "pending" : "resolved"} word={t(`si.${s.status.state as "active"}`)} />
          </Cell>
          <Cell class="cell-main mono" title={mutes(s)}>
            <span class="cell-labels">{mutes(s)}</span>
            {s.windows?.length ? <span class="badge">{t("si.windows")}</span> : null}
          </Cell>
          <Cell class="cell-when num">
            <When silence={s} />
          </Cell>
          <Cell class="cell-who" title={s.comment}>
            <span class="strong">{s.createdBy}</span> <span class="soft">{s.comment}</span>
          </Cell>
        </>
      )}
    </VirtualGrid>
  );
}

function Detail({ silence: s, onDo }: { silence: SilenceDoc; onDo: (d: Doing) => void }) {
  const over = s.status.state === "expired";
  return (
    <Beside label={t("si.detail")} title={<span class="mono beside-name">{mutes(s)}</span>}>
      <p class="said">
        <q>{s.comment}</q> <span class="soft">– {s.createdBy}</span>
      </p>
      <div class="acts">
        {over ? (
          <button type="button" class="button" onClick={() => onDo({ edit: onceMore(s) })}>
            <Icon name="mute" size={15} />
            {t("si.again")}
          </button>
        ) : (
          <>
            <button type="button" class="button" onClick={() => onDo({ edit: s })}>
              <Icon name="edit" size={15} />
              {t("si.edit")}
            </button>
            <button type="button" class="button" onClick={() => onDo({ expire: s })}>
              <Icon name="close" size={15} />
              {t("si.expire")}
            </button>
          </>
        )}
      </div>
      <dl class="facts">
        <Fact name={t("si.col.when")}>
          <span class="num">{when(s, beat())}</span>
        </Fact>
        <Fact name={t("si.start")}>
          <Time at={s.startsAt} />
        </Fact>
        {(s.windows ?? []).map((w, i) => (
          <Fact key={windowText(w)} name={t("si.window", { n: i + 1 })} wide>
            {windowText(w)}
          </Fact>
        ))}
      </dl>
      <Section title={t("si.matchers")}>
        <ul class="labels">
          {s.matchers.map((m) => (
            <li key={formatMatcher(m)} class="label-button mono">
              {formatMatcher(m)}
            </li>
          ))}
        </ul>
      </Section>
      <Preview matchers={s.matchers} over={s.status.state !== "active"} />
    </Beside>
  );
}

function ExpireDialog({ silence: s, onClose, onDone }: { silence: SilenceDoc; onClose: () => void; onDone: () => void }) {
  const sending = useSending();
  return (
    <Dialog title={t("si.expire.title")} onClose={onClose}>
      <form
        class="form"
        onSubmit={(e) => {
          e.preventDefault();
          sending.run(() => expireSilence(s.id), onDone);
        }}
      >
        <p class="mono">{mutes(s)}</p>
        <p class="soft">{t("si.expire.text")}</p>
        <FormFoot sending={sending} label={t("si.expire")} onCancel={onClose} />
      </form>
    </Dialog>
  );
}
