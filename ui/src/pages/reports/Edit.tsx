// The form in which a report is written, with the report beside it as it would be now. What is wrong the server says, at its field.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ApiError } from "../../api/http";
import { createReport, fetchReport, type Finished, finishDraft, FORMATS, type Report, type ReportDoc, saveReport, written } from "../../api/reports";
import { formatDateTime } from "../../lib/format";
import { t } from "../../lib/text";
import { readZone, zones } from "../../lib/zone";
import { Icon } from "../../parts/Icon";
import { Loading } from "../../parts/states";
import { useCrumb } from "../../state/crumb";
import { userName } from "../../state/prefs";
import { follow, go, hrefOf } from "../../state/url";
import { NameField, Pick, remember, useSending } from "../alerting/form";
import { nextTimes } from "./cron";
import { Document } from "./Document";
import { NEW, PERIODS, Receivers, reportHref, Write } from "./pieces";
import { idOf, problemsOf } from "./problems";
import { Sections } from "./Sections";

/** A preview is asked for when the form has rested this long. */
const REST_MS = 600;
const TIMES = 3;
const CRONS = ["0 8 * * *", "0 8 * * MON", "0 8 1 * *", "@hourly"];
const NOTHING: ReadonlyMap<string, string> = new Map();

const fresh = (base: ReportDoc | undefined): Report =>
  base
    ? { ...written(base), id: `${base.id}-2`, title: t("rp.copy.of", { title: base.title }), schedule: undefined }
    : { id: "", title: "", sections: [{ kind: "summary" }], period: "24h", timezone: Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC", format: "pdf" };

/** What is being written and not saved, while the program is open: another page can be looked at meanwhile. */
const drafts = new Map<string, { r: Report; version: number }>();
const DRAFTS_MAX = 10;

interface Preview {
  doc: Finished | null;
  /** by field */
  wrong: ReadonlyMap<string, string>;
  error: string;
  busy: boolean;
}

/** The report as it would be now; while something is wrong, as it was before. */
function usePreview(r: Report): Preview {
  const [state, setState] = useState<Preview>({ doc: null, wrong: NOTHING, error: "", busy: true });
  const key = JSON.stringify(written(r));
  useEffect(() => {
    const abort = new AbortController();
    const timer = setTimeout(() => {
      setState((s) => ({ ...s, busy: true }));
      finishDraft(r, abort.signal).then(
        (doc) => setState({ doc, wrong: NOTHING, error: "", busy: false }),
        (e: Error) => {
          if (abort.signal.aborted) return;
          const wrong = problemsOf(e.message);
          setState((s) => ({ ...s, wrong, error: wrong.size ? "" : e.message, busy: false }));
        },
      );
    }, REST_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [key]);
  return state;
}

interface Props {
  /** null: a new one */
  of: ReportDoc | null;
  base?: ReportDoc | undefined;
  receivers: string[];
  onSaved: (id: string) => void;
}

export function Edit({ of, base, receivers, onSaved }: Props) {
  const key = of?.id ?? `${NEW}${base?.id ?? ""}`;
  const [kept] = useState(() => drafts.get(key));
  const [r, setR] = useState<Report>(() => kept?.r ?? (of ? written(of) : fresh(base)));
  const [version, setVersion] = useState(kept?.version ?? of?.version ?? 0);
  const [named, setNamed] = useState(Boolean(of ?? base));
  const [author, setAuthor] = useState(userName.value);
  const [note, setNote] = useState("");
  const [refused, setRefused] = useState(NOTHING);
  const [theirs, setTheirs] = useState<ReportDoc | "gone" | null>(null);
  const preview = usePreview(r);
  const sending = useSending();
  const form = useRef<HTMLFormElement>(null);
  useCrumb(of ? of.title : t("rp.new"));
  useEffect(() => {
    if (!of) form.current?.querySelector("input")?.focus();
  }, []);
  const set = (change: Partial<Report>) => {
    setRefused(NOTHING);
    const next = { ...r, ...change };
    setR(next);
    drafts.set(key, { r: next, version });
    for (const [first] of drafts) if (drafts.size > DRAFTS_MAX) drafts.delete(first);
  };
  const wrong = (path: string) => refused.get(path) ?? preview.wrong.get(path) ?? "";
  const { schedule } = r;
  const times = useMemo(() => (schedule && readZone(r.timezone) !== "browser" ? nextTimes(schedule.cron, r.timezone, Date.now(), TIMES) : null), [schedule?.cron, r.timezone]);

  const failed = async (e: unknown) => {
    if (!(e instanceof ApiError)) throw e;
    if (e.status === 409 && of)
      setTheirs(
        await fetchReport(r.id).catch((why: unknown) => {
          if (why instanceof ApiError && why.status === 404) return "gone" as const;
          throw why;
        }),
      );
    else if (e.status === 409) setRefused(new Map([["id", t("rp.id.taken")]]));
    else setRefused(problemsOf(e.message));
    requestAnimationFrame(() => form.current?.querySelector<HTMLElement>(".conflict button, [aria-invalid=true]")?.focus());
    throw e;
  };
  const save = (report: Report, expected: number, isNew: boolean) => {
    remember(author);
    const by = { author: author.trim(), note: note.trim() };
    setRefused(NOTHING);
    sending.run(
      () => (isNew ? createReport(report, by) : saveReport(report, expected, by)).catch(failed),
      () => {
        drafts.delete(key);
        onSaved(report.id);
      },
    );
  };
  const over = () => save(r, theirs === "gone" ? 0 : (theirs?.version ?? version), false);
  const copy = () => save({ ...r, id: `${r.id}-${Date.now().toString(36)}`, title: t("rp.copy.of", { title: r.title }) }, 0, true);
  const drop = () => {
    drafts.delete(key);
    if (theirs === "gone") return go(reportHref(""));
    if (!theirs) return;
    setR(written(theirs));
    setVersion(theirs.version);
    setTheirs(null);
  };
  const submit = (e: Event) => {
    e.preventDefault();
    save(r, version, of === null);
  };
  const keys = (e: KeyboardEvent) => {
    if (!(e.ctrlKey || e.metaKey) || e.key.toLowerCase() !== "s") return;
    e.preventDefault();
    form.current?.requestSubmit();
  };

  return (
    <div class="rp-edit">
      <form class="panel form rp-form" ref={form} onSubmit={submit} onKeyDown={keys} aria-label={of ? t("rp.edit") : t("rp.new")} noValidate>
        {theirs ? (
          <div class="conflict" role="alert">
            <p class="strong">
              <Icon name="warning" size={15} /> {theirs === "gone" ? t("rp.conflict.gone") : t("rp.conflict", { n: theirs.version, who: theirs.author ?? "?" })}
            </p>
            <div class="form-row">
              <button type="button" class="button" onClick={over}>
                {t("rp.conflict.over")}
              </button>
              <button type="button" class="button" onClick={copy}>
                {t("rp.conflict.copy")}
              </button>
              <button type="button" class="button" onClick={drop}>
                {t("rp.conflict.drop")}
              </button>
            </div>
          </div>
        ) : null}
        {kept ? <p class="soft">{t("rp.draft")}</p> : null}
        <Write label={t("rp.title")} error={wrong("title")} value={r.title} onWrite={(title) => set({ title, ...(named ? {} : { id: idOf(title) }) })} />
        {of ? null : (
          <Write
            label={t("rp.key.id")}
            error={wrong("id")}
            value={r.id}
            onWrite={(id) => {
              setNamed(true);
              set({ id });
            }}
          />
        )}
        <div class="form-row">
          <Write label={t("rp.key.period")} error={wrong("period")} value={r.period} list={PERIODS} onWrite={(period) => set({ period })} />
          <Write label={t("rp.key.timezone")} error={wrong("timezone")} value={r.timezone} list={["UTC", ...zones()]} onWrite={(timezone) => set({ timezone })} />
          <Pick label={t("rp.key.format")} value={r.format} of={FORMATS.map((f) => [f, t(`rp.format.${f}`)] as const)} onTake={(f) => f && set({ format: f })} />
        </div>
        <Sections of={r.sections} wrong={wrong} onTake={(sections) => set({ sections })} />
        <fieldset class="rp-sections">
          <legend>{t("rp.schedule")}</legend>
          <label class="check">
            <input type="checkbox" checked={schedule !== undefined} onChange={(e) => set({ schedule: e.currentTarget.checked ? { cron: CRONS[0] ?? "", receivers: [] } : undefined })} />
            {t("rp.schedule.on")}
          </label>
          {schedule ? (
            <>
              <Write label={t("rp.key.cron")} error={wrong("schedule.cron")} value={schedule.cron} list={CRONS} onWrite={(cron) => set({ schedule: { ...schedule, cron } })}>
                <span class="soft num rp-next" role="status">
                  {times ? t("rp.schedule.next", { times: times.map((at) => formatDateTime(at, r.timezone).replace(/:\d\d$/, "")).join(" · ") }) : ""}
                </span>
              </Write>
              {receivers.length || schedule.receivers.length ? (
                <Receivers all={receivers} value={schedule.receivers} onTake={(next) => set({ schedule: { ...schedule, receivers: next } })} />
              ) : (
                <p class="soft">
                  {t("rp.receivers.none")}{" "}
                  <a href={hrefOf("receivers")} onClick={follow}>
                    {t("nav.receivers")}
                  </a>
                </p>
              )}
              <span class="field-error">{wrong("schedule.receivers")}</span>
            </>
          ) : null}
        </fieldset>
        <Write label={t("rp.note")} value={note} onWrite={setNote} />
        <NameField value={author} onInput={setAuthor} />
        {sending.error && !theirs ? (
          <p class="form-error" role="alert">
            <Icon name="warning" size={15} />
            {refused.size ? t("rp.refused") : sending.error}
          </p>
        ) : null}
        <footer class="form-foot">
          <span class="grow" />
          <a
            class="button"
            href={reportHref(of?.id ?? "")}
            onClick={(e) => {
              drafts.delete(key);
              follow(e);
            }}
          >
            {t("form.cancel")}
          </a>
          <button type="submit" class="button button-main" aria-busy={sending.busy} title="Ctrl-S">
            {t("rp.save")}
          </button>
        </footer>
      </form>
      <section class="rp-preview" aria-label={t("rp.preview")} aria-busy={preview.busy} tabIndex={0}>
        {preview.error || preview.wrong.size ? (
          <p class="old" role="status">
            {preview.error || t("rp.preview.wrong", { n: preview.wrong.size })}
          </p>
        ) : null}
        {preview.doc ? <Document of={preview.doc} /> : preview.busy ? <Loading /> : null}
      </section>
    </div>
  );
}
