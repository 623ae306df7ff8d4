// One dashboard: loaded, shown, shared; edited by a chunk that arrives then.
import type { ComponentType } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { createDashboard, type Dashboard, type DashboardAnswer, fetchDashboard, fetchLayout, type Overlay, type Panel } from "../../api/dashboards";
import { ApiError } from "../../api/http";
import { t } from "../../lib/text";
import { resolveRange } from "../../lib/time";
import { Icon } from "../../parts/Icon";
import { Menu, type MenuItem } from "../../parts/Menu";
import { saveFrom } from "../../parts/ReportMenu";
import { Failed, Loading } from "../../parts/states";
import { stale } from "../../state/connection";
import { useCrumb } from "../../state/crumb";
import { offerKeys } from "../../state/pagekeys";
import { usePoll } from "../../state/poll";
import { userName } from "../../state/prefs";
import { follow, hrefOf, patch, url } from "../../state/url";
import { Board } from "./Board";
import { tidy } from "./layout";
import { useSending } from "../alerting/form";
import { fileOf } from "./files";
import { Links } from "./Links";
import { linked } from "./variables";
import { ShareDialog } from "./ShareDialog";

export interface EditorProps {
  /** null: a new one */
  answer: DashboardAnswer | null;
  /** the panel whose sheet is open at first */
  panel: number | null;
  onSaved: (id: string) => void;
  onLeave: () => void;
}

/** What can be opened beside a dashboard: also of the editor's chunk. */
export type Beside = "versions" | "yaml" | "delete" | "layout";

export interface BesideProps {
  what: Beside;
  answer: DashboardAnswer;
  onClose: () => void;
  onChanged: () => void;
}

interface Chunk {
  Editor: ComponentType<EditorProps>;
  BesideDialog: ComponentType<BesideProps>;
}

let chunk: Chunk | null = null;

function useChunk(wanted: boolean): { chunk: Chunk | null; failed: boolean } {
  const [state, setState] = useState({ chunk, failed: false });
  useEffect(() => {
    if (!wanted || state.chunk) return;
    import("./edit/DashEdit").then(
      (m) => {
        chunk = m;
        setState({ chunk: m, failed: false });
      },
      () => setState({ chunk: null, failed: true }),
    );
  }, [wanted]);
  return state;
}

/** Leaves the time as it stands when the address tells one. */
function useOwnTime(dashboard: Dashboard | undefined): void {
  useEffect(() => {
    if (!dashboard || url.peek().range.from) return;
    const { from, to } = dashboard.time;
    const range = resolveRange({ from, to }, Date.now()) ? { from, to } : { from: "now-1h", to: "now" };
    patch({ range, ...(dashboard.refresh === "off" ? { live: false } : {}) }, "replace");
  }, [dashboard]);
}

const setParam = (name: string, value: string) => patch({ params: { ...url.value.params, [name]: value } });

export function View({ id }: { id: string }) {
  const fresh = id === "+";
  const asked = usePoll(`dashboard ${id}`, (signal) => (fresh ? Promise.resolve(null) : fetchDashboard(id, null, signal)), Number.POSITIVE_INFINITY);
  const answer = asked.data;
  const editing = fresh || url.value.params["edit"] === "1";
  const editor = useChunk(editing);
  const [panel, setPanel] = useState<number | null>(null);
  useOwnTime(answer?.dashboard);
  useEffect(() => {
    if (fresh && !url.peek().range.from) patch({ range: { from: "now-1h", to: "now" } }, "replace");
  }, [fresh]);
  if (!fresh && answer === null)
    return asked.error ? (
      asked.status === 404 ? (
        <div class="state state-empty">
          <p>{t("da.unknown", { id })}</p>
          <a class="button" href={hrefOf("dashboards", { range: { from: "", to: "" } })} onClick={follow}>
            {t("da.back")}
          </a>
        </div>
      ) : (
        <Failed message={asked.error} onRetry={asked.again} />
      )
    ) : (
      <Loading />
    );
  if (editing) {
    if (editor.failed) return <Failed message={t("error.unreachable")} onRetry={() => location.reload()} />;
    if (!editor.chunk) return <Loading />;
    const { Editor } = editor.chunk;
    return (
      <Editor
        answer={answer}
        panel={panel}
        onSaved={(now) => {
          if (now === id) {
            asked.again();
            setParam("edit", "");
          } else patch({ open: now, params: {} }, "replace");
        }}
        onLeave={() => (fresh ? patch({ open: "", range: { from: "", to: "" } }) : setParam("edit", ""))}
      />
    );
  }
  if (!answer) return null;
  return (
    <Shown
      answer={answer}
      onEdit={(p) => {
        setPanel(p);
        setParam("edit", "1");
      }}
      onChanged={asked.again}
    />
  );
}

interface ShownProps {
  answer: DashboardAnswer;
  onEdit: (panel: number | null) => void;
  onChanged: () => void;
}

/** The dashboard with the places that somebody keeps for themselves. */
export const withLayout = (d: Dashboard, overlay: Overlay | null): Dashboard => {
  if (!overlay?.layout.length) return d;
  const at = new Map(overlay.layout.map((l) => [l.id, l.at]));
  const panels = d.panels.map((p) => ({ ...p, at: at.get(p.id) ?? p.at }));
  // What was added or resized since for everybody makes room.
  const fit = new Map(tidy(panels).map((i) => [i.id, i.at]));
  return { ...d, panels: panels.map((p) => ({ ...p, at: fit.get(p.id) ?? p.at })) };
};

/** The layout of who sits here; null when there is none. */
function useLayout(id: string): { overlay: Overlay | null; again: () => void } {
  const user = userName.value;
  const asked = usePoll(`layout ${id} ${user}`, async (signal): Promise<Overlay | null> => {
    if (!user) return null;
    try {
      return await fetchLayout(id, user, signal);
    } catch (e) {
      if (e instanceof ApiError && e.status === 404) return null;
      throw e;
    }
  }, Number.POSITIVE_INFINITY);
  return { overlay: asked.data, again: asked.again };
}

function Shown({ answer, onEdit, onChanged }: ShownProps) {
  const { dashboard: d, source } = answer;
  const [again, setAgain] = useState(0);
  const [sharing, setSharing] = useState(false);
  const [beside, setBeside] = useState<Beside | null>(null);
  const [shared, setShared] = useState(false);
  const mine = useLayout(d.id);
  const editor = useChunk(beside !== null);
  const { params } = url.value;
  const kiosk = params["kiosk"] === "1";
  const shownDashboard = useMemo(() => (shared ? d : withLayout(d, mine.overlay)), [d, mine.overlay, shared]);
  const own = Boolean(mine.overlay?.layout.length);
  useCrumb(d.title || d.id);
  useEffect(
    () =>
      offerKeys((e) => {
        const over = document.querySelector<HTMLElement>(".dp:hover")?.dataset["panel"] ?? document.activeElement?.closest<HTMLElement>(".dp")?.dataset["panel"] ?? "";
        if (e.key === "e") onEdit(over ? Number.parseInt(over, 10) : null);
        else if (e.key === "r" || e.key === "R") setAgain((n) => n + 1);
        else if (e.key === "f" && (over || url.peek().params["panel"])) setParam("panel", url.peek().params["panel"] ? "" : over);
        else if (e.key === "Escape" && url.peek().params["panel"]) setParam("panel", "");
        else if (e.key === "Escape" && url.peek().params["kiosk"]) setParam("kiosk", "");
        else return false;
        return true;
      }),
    [],
  );
  const copying = useSending();
  const copy = () => {
    let made = "";
    copying.run(
      async () => {
        made = (await createDashboard({ ...d, id: "", title: t("da.copyof", { title: d.title || d.id }) }, userName.value ? { author: userName.value } : {})).id;
      },
      () => patch({ open: made, params: { edit: "1" } }),
    );
  };
  const items: MenuItem[] = [
    { label: t("da.share"), icon: "link", onPick: () => setSharing(true) },
    { label: t("da.kiosk"), icon: "full", onPick: () => setParam("kiosk", "1") },
    { label: t("da.versions"), icon: "clock", onPick: () => setBeside("versions") },
    { label: t("da.yaml"), icon: "rules", onPick: () => setBeside("yaml") },
    { label: t("da.layout"), icon: "dashboards", onPick: () => setBeside("layout") },
    { label: t("da.copy"), icon: "copy", onPick: copy },
    ...(["pdf", "png"] as const).map((format): MenuItem => ({ label: t(`report.${format}`), icon: "reports", onPick: () => saveFrom(fileOf(d.id, "/render", (d.variables ?? []).map((v) => v.name), url.value, { format })) })),
    { label: t("da.grafana"), icon: "download", onPick: () => location.assign(`/api/plimsoll/v1/dashboards/${encodeURIComponent(d.id)}?format=grafana`) },
    ...(source === "api" ? [{ label: t("da.delete"), icon: "trash" as const, onPick: () => setBeside("delete") }] : []),
  ];
  const close = () => setBeside(null);
  return (
    <div class={`dash ${stale.value ? "is-stale" : ""} ${kiosk ? "dash-kiosk" : ""}`}>
      <header class="dash-head">
        <a class="button button-icon" href={hrefOf("dashboards", { range: { from: "", to: "" } })} onClick={follow} aria-label={t("da.back")} title={t("da.back")}>
          <Icon name="back" />
        </a>
        <h1 class="dash-title" title={d.description}>
          {d.title || d.id}
        </h1>
        {source === "api" ? null : (
          <span class="badge" title={t(`da.source.${source}.text`)}>
            {t(`da.source.${source}`)}
          </span>
        )}
        {own ? (
          <button type="button" class="badge dash-tag" aria-pressed={!shared} onClick={() => setShared(!shared)}>
            {t(shared ? "da.layout.shared" : "da.layout.mine")}
          </button>
        ) : null}
        <span class="grow" />
        {d.links?.length ? <Links links={d.links} scope={{ id: d.id, ready: true, values: linked(d), names: [], filters: [], happenings: [], again: 0 }} own={{}} named /> : null}
        {kiosk ? (
          <button type="button" class="button" onClick={() => setParam("kiosk", "")}>
            {t("da.kiosk.leave")}
          </button>
        ) : (
          <>
            {params["panel"] ? (
              <button type="button" class="button" onClick={() => setParam("panel", "")} title="Esc">
                <Icon name="back" size={15} />
                {t("da.all")}
              </button>
            ) : null}
            <button type="button" class="button" onClick={() => onEdit(null)} title="e">
              <Icon name="edit" size={15} />
              <span class="wide">{t("da.edit")}</span>
              <span class="sr-only">{t("da.edit")}</span>
            </button>
            <Menu label={t("da.more")} items={items} />
          </>
        )}
      </header>
      {copying.error ? (
        <p class="form-error" role="alert">
          {copying.error}
        </p>
      ) : null}
      {answer.problems?.length ? (
        <details class="dash-problems">
          <summary>
            <Icon name="warning" size={14} /> {t("da.problems", { n: answer.problems.length })}
          </summary>
          <ul>
            {answer.problems.slice(0, 50).map((p) => (
              <li key={`${p.path} ${p.text}`}>
                <code>{p.path}</code>: {p.text} {p.remedy}
              </li>
            ))}
          </ul>
        </details>
      ) : null}
      <Board dashboard={shownDashboard} again={again} onEdit={kiosk ? undefined : (p: Panel) => onEdit(p.id)} />
      {sharing ? <ShareDialog onClose={() => setSharing(false)} /> : null}
      {beside && editor.chunk ? (
        <editor.chunk.BesideDialog
          what={beside}
          answer={answer}
          onClose={close}
          onChanged={() => {
            onChanged();
            mine.again();
          }}
        />
      ) : null}
    </div>
  );
}
