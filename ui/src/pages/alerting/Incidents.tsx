// Incidents: alerts that are told together, from the first to the last; with a time line, taken by somebody, with notes.
import { useMemo, useState } from "preact/hooks";
import { acknowledgeIncident, fetchIncident, fetchIncidents, noteIncident, takeBackIncident } from "../../api/alerting";
import { type IncidentDoc, type IncidentView, msOf } from "../../api/alertingTypes";
import { formatCount, formatDuration } from "../../lib/format";
import { useNarrow } from "../../lib/media";
import { t } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import { Empty } from "../../parts/states";
import { Cell, HeadCell, VirtualGrid } from "../../parts/VirtualGrid";
import { userName } from "../../state/prefs";
import { type Polled, usePoll } from "../../state/poll";
import { follow, hrefOf, patch, url } from "../../state/url";
import { AcknowledgeForm } from "./AcknowledgeDialog";
import { Fact } from "./AlertDetail";
import { NameField, NOTE_MAX, remember, useSending } from "./form";
import { Lasted } from "./History";
import { ageOf, beat, LabelText, SeverityMark, StateMark, Time, wordOf } from "./marks";
import { Asked, Beside, Chips, ClearFilter, FilterBox, ListPage, pickShow, Section, testOf } from "./shell";
import { labelsBut, nameOf } from "./standing";
import { StepList } from "./Steps";

const ROW_PX = 26;
const NARROW_PX = 52;

const lasted = (i: Pick<IncidentDoc, "opened_at" | "resolved_at">) => formatDuration(Math.max(0, (i.resolved_at ? msOf(i.resolved_at) : beat()) - msOf(i.opened_at)));

export function Incidents() {
  const { q, open } = url.value;
  const show = url.value.show === "all" ? "all" : "";
  const polled = usePoll(`incidents ${show}`, (signal) => fetchIncidents(show || "open", signal));
  const [taking, setTaking] = useState("");
  const [round, setRound] = useState(0);
  const { test, bad } = useMemo(() => testOf(q), [q]);
  const all = polled.data?.incidents ?? [];
  const rows = useMemo(() => all.filter((i) => test({ ...i.group_labels, severity: i.severity }, i.title, String(i.id), ...i.receivers)), [polled.data, test]);
  const changed = () => {
    setTaking("");
    setRound((n) => n + 1);
    polled.again();
  };
  const onKey = (e: KeyboardEvent, i: IncidentDoc | undefined) => {
    const id = i ? String(i.id) : open;
    if (e.key === "Escape" && open) patch({ open: "" });
    else if (e.key === "a" && id && all.find((x) => String(x.id) === id)?.state === "open") setTaking(id);
    else return false;
    return true;
  };
  const choices = [
    { value: "", label: t("in.open") },
    { value: "all", label: t("in.all") },
  ];
  return (
    <ListPage
      bar={
        <>
          <FilterBox bad={bad} shown={rows.length} all={all.length} />
          <Chips label={t("in.show")} value={show} choices={choices} onPick={pickShow} />
        </>
      }
      beside={open ? <Detail key={open} id={open} round={round} onTake={() => setTaking(open)} onChange={changed} /> : null}
    >
      <section class="panel list" aria-label={t("nav.incidents")}>
        <Asked of={polled}>
          {() =>
            rows.length === 0 ? (
              <Empty>
                <strong>{t(all.length ? "al.filter.none" : show === "all" ? "in.empty.all" : "in.empty")}</strong>
                {all.length ? <ClearFilter /> : <span>{t("in.empty.text")}</span>}
              </Empty>
            ) : (
              <List rows={rows} open={open} onKey={onKey} />
            )
          }
        </Asked>
      </section>
      {taking ? <AcknowledgeForm title={t("in.ack.title")} text={t("in.ack.text")} send={(by, note) => acknowledgeIncident(taking, by, note)} onClose={() => setTaking("")} onDone={changed}><p class="strong">{all.find((i) => String(i.id) === taking)?.title}</p></AcknowledgeForm> : null}
    </ListPage>
  );
}

const Head = () => (
  <>
    <HeadCell>{t("al.col.severity")}</HeadCell>
    <HeadCell>{t("col.state")}</HeadCell>
    <HeadCell>{t("in.col.incident")}</HeadCell>
    <HeadCell class="cell-alerts">{t("nav.alerts")}</HeadCell>
    <HeadCell class="cell-fired">{t("in.col.opened")}</HeadCell>
    <HeadCell class="cell-value">{t("in.col.lasted")}</HeadCell>
  </>
);

const LastedText = ({ incident }: { incident: IncidentDoc }) => <>{lasted(incident)}</>;

const Standing = ({ state, by }: { state: string; by?: string | null | undefined }) => <StateMark state={state} word={wordOf("in.state", state)} note={state === "acknowledged" && by ? by : undefined} />;

function List({ rows, open, onKey }: { rows: IncidentDoc[]; open: string; onKey: (e: KeyboardEvent, i: IncidentDoc | undefined) => boolean }) {
  const narrow = useNarrow();
  return (
    <VirtualGrid kind="grid-incidents" label={t("nav.incidents")} rows={rows} rowPx={narrow ? NARROW_PX : ROW_PX} keyOf={(i) => String(i.id)} open={open} onOpen={(i) => patch({ open: String(i.id) === open ? "" : String(i.id) })} onKey={onKey} head={narrow ? undefined : <Head />} classOf={(i) => `row-incident ${i.state === "resolved" ? "row-silenced" : ""}`}>
      {(i) => (
        <>
          <Cell class="cell-severity">
            <SeverityMark severity={i.severity} />
          </Cell>
          <Cell class="cell-state">
            <Standing state={i.state} by={i.acknowledged_by} />
          </Cell>
          <Cell class="cell-main" title={i.title}>
            <span class="strong cell-name">{i.title}</span>
            <span class="mono soft cell-labels">
              <LabelText labels={labelsBut(i.group_labels, new Set())} />
            </span>
          </Cell>
          <Cell class="cell-alerts num">{i.firing ? t("in.firing", { firing: formatCount(i.firing), all: formatCount(i.alerts) }) : formatCount(i.alerts)}</Cell>
          <Cell class="cell-fired">
            <Time at={i.opened_at} />
          </Cell>
          <Cell class="cell-value num">
            <LastedText incident={i} />
          </Cell>
        </>
      )}
    </VirtualGrid>
  );
}

function Detail({ id, round, onTake, onChange }: { id: string; round: number; onTake: () => void; onChange: () => void }) {
  const asked: Polled<IncidentView> = usePoll(`incident ${id} ${round}`, (signal) => fetchIncident(id, signal));
  const i = asked.data;
  if (!i)
    return (
      <Beside label={t("in.detail", { title: id })} title={<span class="mono">{id}</span>}>
        {asked.status === 404 ? <Empty>{t("in.gone")}</Empty> : <Asked of={asked}>{() => null}</Asked>}
      </Beside>
    );
  return <Whole incident={i} onTake={onTake} onChange={onChange} />;
}

function Whole({ incident: i, onTake, onChange }: { incident: IncidentView; onTake: () => void; onChange: () => void }) {
  const sending = useSending();
  const steps = i.timeline.map((e) => ({ at: msOf(e.at), what: e.what, text: [wordOf("what", e.what), e.by, e.text].filter(Boolean).join(" · ") }));
  return (
    <Beside
      label={t("in.detail", { title: i.title })}
      title={
        <>
          <SeverityMark severity={i.severity} />
          <span class="beside-name">{i.title}</span>
          <Standing state={i.state} by={i.acknowledged_by} />
        </>
      }
    >
      <div class="acts">
        {i.state === "open" ? (
          <button type="button" class="button button-main" title="a" onClick={onTake}>
            <Icon name="ok" size={15} />
            {t("al.acknowledge")}
          </button>
        ) : i.state === "acknowledged" ? (
          <button type="button" class="button" aria-busy={sending.busy} onClick={() => sending.run(() => takeBackIncident(String(i.id), userName.value), onChange)}>
            <Icon name="ok" size={15} />
            {t("al.takeback")}
          </button>
        ) : null}
      </div>
      {sending.error ? <p class="field-error">{sending.error}</p> : null}
      <dl class="facts">
        <Fact name={t("in.opened")}>
          <Time at={i.opened_at} /> <span class="soft">{t("al.since", { d: ageOf(i.opened_at) })}</span>
        </Fact>
        {i.resolved_at ? (
          <Fact name={t("in.resolved")}>
            <Time at={i.resolved_at} /> <span class="soft">{t("hi.after", { d: lasted(i) })}</span>
          </Fact>
        ) : null}
        <Fact name={t("nav.receivers")}>{i.receivers.some(Boolean) ? i.receivers.filter(Boolean).join(", ") : <span class="soft">{t("al.receivers.none")}</span>}</Fact>
      </dl>
      <Section title={t("nav.alerts")} note={<span class="soft num">{t("in.firing", { firing: formatCount(i.firing), all: formatCount(i.alerts.length) })}</span>}>
        <ul class="earlier num">
          {i.alerts.map((e) => (
            <li key={e.episode}>
              <SeverityMark severity={e.severity} />
              <a href={hrefOf(e.resolved_at ? "history" : "alerts", { open: e.resolved_at ? String(e.episode) : e.fingerprint })} onClick={follow}>
                {nameOf(e.labels)}
              </a>
              <span class="mono">
                <LabelText labels={labelsBut(e.labels, new Set(["severity", ...Object.keys(i.group_labels)]))} />
              </span>
              <span class="soft">
                <Lasted episode={e} />
              </span>
            </li>
          ))}
        </ul>
      </Section>
      <Section title={t("in.timeline")}>
        <StepList steps={steps} />
        {i.timeline_left_out ? <p class="soft">{t("health.more", { n: formatCount(i.timeline_left_out) })}</p> : null}
      </Section>
      <NoteForm id={String(i.id)} onChange={onChange} />
    </Beside>
  );
}

function NoteForm({ id, onChange }: { id: string; onChange: () => void }) {
  const [by, setBy] = useState(userName.value);
  const [text, setText] = useState("");
  const [tried, setTried] = useState(false);
  const sending = useSending();
  const submit = (e: Event) => {
    e.preventDefault();
    setTried(true);
    if (!by.trim() || !text.trim()) return;
    remember(by);
    sending.run(
      () => noteIncident(id, by.trim(), text.trim()),
      () => {
        setText("");
        setTried(false);
        onChange();
      },
    );
  };
  return (
    <form class="form note-form" onSubmit={submit}>
      <div class="form-row">
        <div class="field note-text">
          <label for="note-text">{t("in.note")}</label>
          <textarea id="note-text" class="input" rows={2} maxLength={NOTE_MAX} value={text} onInput={(e) => setText(e.currentTarget.value)} />
        </div>
        <NameField value={by} error={tried && !by.trim() ? t("si.bad.who") : ""} onInput={setBy} />
        <button type="submit" class="button" aria-busy={sending.busy}>
          {t("in.note.do")}
        </button>
      </div>
      {sending.error ? <p class="field-error">{sending.error}</p> : null}
    </form>
  );
}
