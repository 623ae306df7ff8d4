// A panel for a dashboard: one that there is, or a new one.
import "../../css/boarddialog.css";
import "../../lib/textExplore";
import { useState } from "preact/hooks";
import { createDashboard, fetchDashboard, fetchDashboards, saveDashboard } from "../../api/dashboards";
import { ApiError } from "../../api/http";
import { t } from "../../lib/text";
import { Dialog } from "../../parts/Dialog";
import { Icon } from "../../parts/Icon";
import { Failed, Loading } from "../../parts/states";
import { usePoll } from "../../state/poll";
import { userName } from "../../state/prefs";
import { follow, hrefOf, url } from "../../state/url";
import { useSending } from "../alerting/form";
import { type Loose, newBoard, withPanel } from "./board";

const NAME_MAX = 200;

export interface BoardProps {
  /** what the panel is called, unless somebody writes another title */
  title: string;
  panelOf: (title: string) => Loose;
  onClose: () => void;
}

export function BoardDialog({ title: first, panelOf, onClose }: BoardProps) {
  const asked = usePoll("boards", (signal) => fetchDashboards(signal), Number.POSITIVE_INFINITY);
  const [to, setTo] = useState("");
  const [name, setName] = useState("");
  const [title, setTitle] = useState(first);
  const [tried, setTried] = useState(false);
  const [done, setDone] = useState<{ id: string; name: string } | null>(null);
  const sending = useSending();
  // What people made comes before what came with the program.
  const all = [...(asked.data?.dashboards ?? [])].sort((a, b) => Number(a.source !== "api") - Number(b.source !== "api") || a.title.localeCompare(b.title));
  const submit = (e: Event) => {
    e.preventDefault();
    setTried(true);
    if (!to && !name.trim()) return;
    const by = userName.value ? { author: userName.value } : {};
    const panel = panelOf(title.trim());
    let saved = { id: "", name: name.trim() };
    sending.run(
      async () => {
        if (!to) saved.id = (await createDashboard(withPanel(newBoard(saved.name, url.value.range), panel), by)).id;
        else {
          // The server refuses it when somebody saves another version in between.
          const { dashboard, version } = await fetchDashboard(to, null);
          await saveDashboard(to, withPanel(dashboard, panel), version, by).catch((e: unknown) => {
            throw e instanceof ApiError && e.status === 409 ? new Error(t("ex.board.changed")) : e;
          });
          saved = { id: to, name: dashboard.title };
        }
      },
      () => setDone(saved),
    );
  };
  return (
    <Dialog title={t("ex.board")} onClose={onClose}>
      {done ? (
        <p class="board-done" role="status">
          <Icon name="ok" size={16} /> {t("ex.board.done", { name: done.name })}{" "}
          <a class="button" href={hrefOf("dashboards", { open: done.id })} onClick={follow}>
            {t("ex.board.open")}
          </a>
        </p>
      ) : asked.data === null ? (
        asked.error ? (
          <Failed message={asked.error} onRetry={asked.again} />
        ) : (
          <Loading />
        )
      ) : (
        <form class="board-form" onSubmit={submit}>
          <label>
            {t("ex.board.to")}
            <select class="input" value={to} onChange={(e) => setTo(e.currentTarget.value)}>
              <option value="">{t("ex.board.new")}</option>
              {all.map((d) => (
                <option key={d.id} value={d.id}>
                  {d.source === "template" ? t("ex.board.template", { name: d.title }) : d.title}
                </option>
              ))}
            </select>
          </label>
          {to ? null : (
            <label>
              {t("ex.board.name")}
              <input class="input" value={name} maxLength={NAME_MAX} aria-invalid={tried && !name.trim()} aria-describedby="board-name" onInput={(e) => setName(e.currentTarget.value)} />
              <span id="board-name" class="field-error">
                {tried && !name.trim() ? t("ex.board.noname") : ""}
              </span>
            </label>
          )}
          <label>
            {t("ex.board.title")}
            <input class="input" value={title} maxLength={NAME_MAX} onInput={(e) => setTitle(e.currentTarget.value)} />
          </label>
          {sending.error ? (
            <p class="field-error" role="alert">
              {sending.error}
            </p>
          ) : null}
          <button type="submit" class="button button-main" aria-busy={sending.busy}>
            {t("ex.board.add")}
          </button>
        </form>
      )}
    </Dialog>
  );
}
