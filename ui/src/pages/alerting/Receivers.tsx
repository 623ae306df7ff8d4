// Who is told: the receivers with their channels and a test of each, who would be told of an alert with given labels, and the
// messages that arrived or were given up.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import {
  type ChannelResult,
  checkReceiver,
  deleteReceiver,
  discardDead,
  fetchChannels,
  fetchDead,
  fetchReceipts,
  fetchReceiver,
  fetchReceivers,
  fetchWay,
  type LetterDoc,
  type ReceiverDoc,
  retryDead,
  type RouteDoc,
  saveReceiver,
  testDraft,
  testReceiver,
} from "../../api/receivers";
import { formatDuration, formatValue } from "../../lib/format";
import { parseFilter } from "../../lib/matchers";
import { t } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import { Empty } from "../../parts/states";
import { TextBox } from "../../parts/TextBox";
import { type Polled, usePoll } from "../../state/poll";
import { userName } from "../../state/prefs";
import { patch, url } from "../../state/url";
import { useCheck } from "./FileEditor";
import { Field, NameField, remember, useSending } from "./form";
import { LabelText, momentOf } from "./marks";
import { HEARS, type Hears, nameFor, textOf } from "./receiverText";
import { Asked, Beside, ListPage, Section } from "./shell";
import type { TextEditor } from "../explore/textEditor";

const EVERY_MS = 10_000;
const NEW = "+";
const NAME = /^[a-z0-9_-]{1,64}$/;
/** The way of an alert is asked for when the labels have rested this long. */
const REST_MS = 300;
const SHOWN = 50;
const EXAMPLE = "webhook_configs:\n- url: http://127.0.0.1:9000/hook\nmatchers: ['severity=\"critical\"']\n";

/** The labels that a text means: `severity=critical job="api"`. */
export const labelsIn = (text: string): Record<string, string> =>
  Object.fromEntries(
    parseFilter(text)
      .matchers.filter((m) => m.isEqual && !m.isRegex)
      .map((m) => [m.name, m.value]),
  );

export function Receivers() {
  const { open } = url.value;
  const asked = usePoll("receivers", fetchReceivers, EVERY_MS);
  const channels = usePoll("channels", fetchChannels, EVERY_MS);
  const receipts = usePoll("receipts", fetchReceipts, EVERY_MS);
  const dead = usePoll("dead letters", fetchDead, EVERY_MS);
  const all = asked.data?.receivers ?? [];
  const current = all.find((r) => r.name === open);
  return (
    <ListPage
      tools={
        <button type="button" class="button button-main" onClick={() => patch({ open: NEW })}>
          <Icon name="plus" size={15} />
          <span class="new-label">{t("rc.new")}</span>
        </button>
      }
      beside={
        open === NEW ? (
          <Beside label={t("rc.new")} title={t("rc.new")}>
            <Editor key={NEW} name="" text={EXAMPLE} version={0} taken={all.map((r) => r.name)} onTried={receipts.again} onSaved={asked.again} />
          </Beside>
        ) : current ? (
          <Detail key={current.name} of={current} letters={receipts.data?.receipts ?? []} onTried={receipts.again} onChange={asked.again} />
        ) : open && asked.data ? (
          <Beside label={t("rc.detail", { name: open })} title={open}>
            <Empty>{t("rc.gone")}</Empty>
          </Beside>
        ) : null
      }
    >
      <div class="receivers" tabIndex={0}>
        <Simulator />
        <section class="panel" aria-label={t("nav.receivers")}>
          <Asked of={asked}>
            {() =>
              all.length === 0 ? (
                <Empty>
                  <strong>{t("rc.empty")}</strong>
                  <span>{t("rc.empty.text")}</span>
                </Empty>
              ) : (
                <table class="table">
                  <thead>
                    <tr>
                      <th scope="col">{t("rc.col.name")}</th>
                      <th scope="col">{t("rc.col.channels")}</th>
                      <th scope="col">{t("rc.col.hears")}</th>
                      <th scope="col">{t("col.state")}</th>
                    </tr>
                  </thead>
                  <tbody>
                    {all.map((r) => {
                      const failing = channels.data?.failing.filter((c) => c.receiver === r.name) ?? [];
                      return (
                        <tr key={r.name} class={r.name === open ? "at" : ""}>
                          <th scope="row" class="wrap">
                            <button type="button" class="plain strong" aria-expanded={r.name === open} onClick={() => patch({ open: r.name === open ? "" : r.name })}>
                              {r.name}
                            </button>{" "}
                            {r.source === "api" ? <span class="badge">{t("rc.here")}</span> : null}
                          </th>
                          <td class="wrap">{r.integrations.map(channelName).join(", ") || "–"}</td>
                          <td class="wrap mono soft">{r.matchers ? r.matchers.join(" ") || t("rc.all") : t("rc.routes", { n: r.routes })}</td>
                          <td>{failing.length ? <Bad text={t("rc.failing", { names: failing.map((c) => channelName(c.integration)).join(", ") })} /> : r.in_force ? <span class="up">{t("rc.good")}</span> : <Bad text={t("fi.stopped")} />}</td>
                        </tr>
                      );
                    })}
                  </tbody>
                </table>
              )
            }
          </Asked>
        </section>
        <Dead of={dead} />
        <section class="panel receivers-part" aria-label={t("rc.receipts")}>
          <h2>{t("rc.receipts")}</h2>
          <Asked of={receipts}>{({ receipts: letters }) => (letters.length === 0 ? <p class="soft">{t("rc.receipts.none")}</p> : <Letters of={letters} />)}</Asked>
        </section>
      </div>
    </ListPage>
  );
}

const Bad = ({ text }: { text: string }) => (
  <span class="down">
    <Icon name="warning" size={14} />
    {text}
  </span>
);

/** Which receiver would get these labels? The labels stand in the address. */
function Simulator() {
  const { q } = url.value;
  const [text, setText] = useState(q);
  const [state, setState] = useState<{ routes: RouteDoc[] | null; error: string }>({ routes: null, error: "" });
  const labels = useMemo(() => labelsIn(text), [text]);
  const key = JSON.stringify(labels);
  useEffect(() => {
    const abort = new AbortController();
    const timer = setTimeout(() => {
      patch({ q: text }, "replace");
      fetchWay(labels, abort.signal).then(
        ({ routes }) => setState({ routes, error: "" }),
        (e: Error) => abort.signal.aborted || setState({ routes: null, error: e.message }),
      );
    }, REST_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [key]);
  // The root route of a server without a configuration has no receiver.
  const told = state.routes?.filter((r) => r.receiver) ?? [];
  return (
    <section class="panel receivers-part" aria-label={t("rc.way")}>
      <h2>{t("rc.way")}</h2>
      <Field label={t("rc.labels")}>{(a) => <input {...a} class="input mono" value={text} placeholder='severity=critical job="api"' spellcheck={false} onInput={(e) => setText(e.currentTarget.value)} />}</Field>
      <div role="status">
        {state.error ? <p class="field-error">{state.error}</p> : null}
        {state.routes && told.length === 0 ? <p class="soft">{t(key === "{}" ? "rc.way.start" : "rc.way.none")}</p> : null}
        <ul class="ways">
          {told.map((r) => (
            <li key={`${r.receiver} ${r.route}`} class="way">
              <p>
                <Icon name={r.muted_by.length ? "mute" : "alerts"} size={15} /> <strong>{r.receiver}</strong> <span class="soft">{r.integrations.map(channelName).join(", ")}</span>
                {r.muted_by.length ? <Bad text={t("rc.muted", { names: r.muted_by.join(", ") })} /> : null}
              </p>
              <p class="mono soft">{r.route}</p>
              <p class="soft">
                {Object.keys(r.group).length ? (
                  <>
                    {t("rc.grouped")} <LabelText labels={Object.entries(r.group)} />.{" "}
                  </>
                ) : null}
                {t("rc.times", { wait: formatDuration(r.group_wait_seconds * 1000), again: formatDuration(r.group_interval_seconds * 1000), repeat: formatDuration(r.repeat_interval_seconds * 1000) })}
              </p>
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}

interface DetailProps {
  of: ReceiverDoc;
  letters: LetterDoc[];
  /** there is another receipt */
  onTried: () => void;
  onChange: () => void;
}

/** `webhook/0` as people say it: the number only where there are several. */
const channelName = (integration: string) => integration.replace(/\/(\d+)$/, (_, n: string) => (n === "0" ? "" : ` ${Number(n) + 1}`));

/** Sends tests, and tells how they went. */
function useTrial(onTried: () => void, of = ""): { busy: boolean; run: (test: () => Promise<{ channels: ChannelResult[] }>) => void; said: preact.JSX.Element } {
  const [results, setResults] = useState<ChannelResult[] | null>(null);
  const sending = useSending();
  // What is said is of what was tested.
  const latest = useRef(of);
  latest.current = of;
  useEffect(() => setResults(null), [of]);
  const run = (test: () => Promise<{ channels: ChannelResult[] }>) => {
    setResults(null);
    sending.run(() => test().then((a) => latest.current === of && setResults(a.channels)), onTried);
  };
  const said = (
    <div role="status">
      {sending.busy ? <p class="soft">{t("rc.test.busy")}</p> : null}
      {sending.error ? <p class="field-error">{sending.error}</p> : null}
      {results?.length === 0 ? <p class="soft">{t("rc.test.none")}</p> : null}
      <ul>
        {results?.map((c) => (
          <li key={c.integration}>
            {c.delivered ? (
              <span class="up">
                <Icon name="ok" size={14} />
                {t("rc.test.good", { name: channelName(c.integration), d: formatValue(c.took_ms / 1000, "seconds") })}
              </span>
            ) : (
              <Bad text={t("rc.test.bad", { name: channelName(c.integration), why: c.error ?? "" })} />
            )}
          </li>
        ))}
      </ul>
    </div>
  );
  return { busy: sending.busy, run, said };
}

const TestButton = ({ busy, onTest, of }: { busy: boolean; onTest: () => void; of?: string }) => (
  <button type="button" class="button" aria-label={of && `${t("rc.test")}: ${of}`} aria-busy={busy} onClick={onTest}>
    <Icon name="play" size={14} />
    {t("rc.test")}
  </button>
);

function Detail({ of: r, letters, onTried, onChange }: DetailProps) {
  const trial = useTrial(onTried);
  const its = letters.filter((l) => l.receiver === r.name);
  return (
    <Beside
      label={t("rc.detail", { name: r.name })}
      title={<span class="beside-name">{r.name}</span>}
      tools={<TestButton busy={trial.busy} onTest={() => trial.run(() => testReceiver(r.name))} />}
    >
      {trial.said}
      {r.not_sent.length ? <p class="soft">{t("rc.notsent", { names: r.not_sent.join(", ") })}</p> : null}
      {r.fallback ? <p class="soft">{t("rc.fallback", { name: r.fallback })}</p> : null}
      {r.source === "api" ? <Own of={r} onTried={onTried} onChange={onChange} /> : <p class="soft">{t("rc.configured")}</p>}
      <Section title={t("rc.receipts")}>{its.length ? <Letters of={its} /> : <p class="soft">{t("rc.receipts.none")}</p>}</Section>
    </Beside>
  );
}

function Own({ of: r, onTried, onChange }: { of: ReceiverDoc; onTried: () => void; onChange: () => void }) {
  const [saved, setSaved] = useState(0);
  const asked = usePoll(`receiver ${r.name} ${saved}`, (signal) => fetchReceiver(r.name, signal), Number.POSITIVE_INFINITY);
  return (
    <Section title={t("rc.text")}>
      <Asked of={asked}>
        {(file) => (
          <Editor
            key={`${file.name} ${file.version}`}
            name={file.name}
            text={file.text}
            version={file.version}
            onTried={onTried}
            onSaved={() => {
              setSaved(saved + 1);
              onChange();
            }}
          />
        )}
      </Asked>
    </Section>
  );
}

interface EditorProps {
  /** empty: a new one */
  name: string;
  text: string;
  version: number;
  /** names that a new one cannot have */
  taken?: string[];
  onTried: () => void;
  onSaved: () => void;
}

function Editor({ name: known, text: original, version, taken = [], onTried, onSaved }: EditorProps) {
  const [text, setText] = useState(original);
  const [address, setAddress] = useState("");
  const [hears, setHears] = useState<Hears>("critical");
  // What was made of the address; a name or a text that somebody changed is left alone.
  const made = useRef({ name: "", text: original });
  const [name, setName] = useState(known);
  const [author, setAuthor] = useState(userName.value);
  const [tried, setTried] = useState(false);
  const editor = useRef<TextEditor | null>(null);
  const [checked] = useCheck(text, true, checkReceiver);
  const sending = useSending();
  const trial = useTrial(onTried, `${name} ${text}`);
  const fault = NAME.test(name) ? "" : t("fi.name.bad");
  const make = (to: string, of: Hears) => {
    setAddress(to);
    setHears(of);
    const next = { name: nameFor(to, taken), text: to.trim() ? textOf(to, of) : original };
    if (name === made.current.name) setName(next.name);
    else next.name = made.current.name;
    if (text === made.current.text) {
      setText(next.text);
      editor.current?.setText(next.text);
    } else next.text = made.current.text;
    made.current = next;
  };
  const submit = (e: SubmitEvent) => {
    e.preventDefault();
    setTried(true);
    if (fault || !author.trim()) return;
    remember(author);
    sending.run(
      () => saveReceiver(name, { text, author: author.trim(), expected_version: version }),
      () => {
        onSaved();
        if (!known) patch({ open: name }, "replace");
      },
    );
  };
  return (
    <form class="receiver-form" onSubmit={submit}>
      {known ? null : (
        <>
          <Field label={t("rc.to")}>{(a) => <input {...a} class="input mono" value={address} placeholder="https://…" spellcheck={false} autocomplete="off" onInput={(e) => make(e.currentTarget.value, hears)} />}</Field>
          <Field label={t("rc.of")}>
            {(a) => (
              <select {...a} class="input" value={hears} onChange={(e) => make(address, HEARS.find((h) => h === e.currentTarget.value) ?? "critical")}>
                {HEARS.map((h) => (
                  <option key={h} value={h}>
                    {t(`rc.of.${h}`)}
                  </option>
                ))}
              </select>
            )}
          </Field>
        </>
      )}
      {known ? null : <Field label={t("rc.name")} error={tried ? fault : ""}>{(a) => <input {...a} class="input mono" value={name} maxLength={64} placeholder="pager" spellcheck={false} onInput={(e) => setName(e.currentTarget.value)} />}</Field>}
      <TextBox label={t("rc.yaml")} text={text} readOnly={false} problems={checked.problems} editor={editor} onChange={setText} />
      <div class="problems" role="status">
        {checked.error ? <p class="field-error">{checked.error}</p> : null}
        {checked.problems.map((p) => (
          <p class="field-error" key={`${p.line} ${p.message}`}>
            {p.line ? `${t("fi.line", { n: p.line })}: ` : ""}
            {p.message}
          </p>
        ))}
        {checked.status === "done" && !checked.error && checked.problems.length === 0 ? <span class="up">{t("fi.good")}</span> : null}
      </div>
      <NameField value={author} error={tried && !author.trim() ? t("si.bad.who") : ""} onInput={setAuthor} />
      {sending.error ? (
        <p class="form-error" role="alert">
          {sending.error}
        </p>
      ) : null}
      {trial.said}
      <div class="acts">
        {known && text === original ? null : (
          <TestButton
            of={t("rc.yaml")}
            busy={trial.busy}
            onTest={() => {
              setTried(true);
              if (!fault) trial.run(() => testDraft(name, text));
            }}
          />
        )}
        <button type="submit" class="button button-main" aria-busy={sending.busy}>
          {t("rc.save")}
        </button>
        {known ? (
          <button
            type="button"
            class="button button-danger"
            onClick={() =>
              sending.run(
                () => deleteReceiver(known),
                () => {
                  patch({ open: "" });
                  onSaved();
                },
              )
            }
          >
            {t("fi.delete")}
          </button>
        ) : null}
      </div>
    </form>
  );
}

const Letters = ({ of }: { of: LetterDoc[] }) => (
  <table class="table">
    <thead>
      <tr>
        <th scope="col">{t("rc.col.at")}</th>
        <th scope="col">{t("rc.col.to")}</th>
        <th scope="col" class="num">
          {t("rc.col.took")}
        </th>
        <th scope="col" class="num">
          {t("rc.col.attempts")}
        </th>
      </tr>
    </thead>
    <tbody>
      {of.slice(0, SHOWN).map((l) => (
        <tr key={l.id}>
          <td class="num-left">{momentOf(l.ended_at)}</td>
          <th scope="row" class="wrap">
            {l.receiver} <span class="soft">{channelName(l.integration)}</span> {l.test ? <span class="badge">{t("rc.letter.test")}</span> : null}
            {l.error ? <p class="down">{l.error}</p> : null}
          </th>
          <td class="num">{formatValue(l.latency_ms / 1000, "seconds")}</td>
          <td class="num">{l.attempts}</td>
        </tr>
      ))}
    </tbody>
  </table>
);

/** Messages that were given up: sent again, or put away. */
function Dead({ of }: { of: Polled<{ dead: LetterDoc[] }> }) {
  const sending = useSending();
  const letters = of.data?.dead ?? [];
  if (letters.length === 0) return null;
  return (
    <section class="panel receivers-part" aria-label={t("rc.dead")}>
      <h2>{t("rc.dead")}</h2>
      {sending.error ? <p class="field-error">{sending.error}</p> : null}
      <ul class="ways">
        {letters.slice(0, SHOWN).map((l) => (
          <li key={l.id} class="way">
            <p>
              <strong>{l.receiver}</strong> <span class="soft">{channelName(l.integration)}</span> <span class="num soft">{momentOf(l.ended_at)}</span>
            </p>
            <p class="down">{l.error}</p>
            <div class="acts">
              <button type="button" class="button" onClick={() => sending.run(() => retryDead(l.id), of.again)}>
                {t("rc.retry")}
              </button>
              <button type="button" class="button" onClick={() => sending.run(() => discardDead(l.id), of.again)}>
                {t("rc.discard")}
              </button>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
