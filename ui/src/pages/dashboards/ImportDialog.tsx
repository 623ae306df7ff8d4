// Takes a dashboard of Grafana: pasted, dropped or chosen as a file. Before it is kept, a report says of each panel whether it is the
// same here, nearly the same, or cannot be shown.
import { useState } from "preact/hooks";
import { type Fit, type ImportAnswer, importGrafana } from "../../api/dashboards";
import { t } from "../../lib/text";
import { Dialog } from "../../parts/Dialog";
import { Icon, type IconName } from "../../parts/Icon";
import { userName } from "../../state/prefs";
import { patch } from "../../state/url";
import { Field, FormFoot, NameField, remember, useSending } from "../alerting/form";

/** Characters of a document; the server takes 1 MiB. */
const TEXT_MAX = 1 << 20;
/** What needs a look comes first. */
const WORST: Fit[] = ["unsupported", "approximate", "exact"];
const SIGN: Record<Fit, IconName> = { exact: "ok", approximate: "info", unsupported: "warning" };

function read(text: string): unknown {
  const json = JSON.parse(text) as unknown;
  // What Grafana's API answers holds the dashboard in a field.
  const inner = typeof json === "object" && json !== null ? (json as Record<string, unknown>)["dashboard"] : undefined;
  return typeof inner === "object" && inner !== null && "panels" in inner ? inner : json;
}

export function ImportDialog({ folders, onClose }: { folders: string[]; onClose: () => void }) {
  const [text, setText] = useState("");
  const [over, setOver] = useState(false);
  const [fault, setFault] = useState("");
  const [answer, setAnswer] = useState<ImportAnswer | null>(null);
  const [folder, setFolder] = useState("");
  const [author, setAuthor] = useState(userName.value);
  const sending = useSending();
  const take = async (file: File | undefined) => {
    if (!file) return;
    if (file.size > TEXT_MAX) return setFault(t("im.large"));
    setText(await file.text());
    setFault("");
    setAnswer(null);
  };
  const ask = (save: boolean) => {
    let grafana: unknown;
    try {
      grafana = read(text);
    } catch (e) {
      return setFault(t("im.nojson", { why: (e as Error).message }));
    }
    setFault("");
    let got: ImportAnswer | null = null;
    sending.run(
      async () => {
        got = await importGrafana({ grafana, ...(folder ? { folder } : {}), ...(save ? { save, author: author.trim() } : {}) });
      },
      () => {
        setAnswer(got);
        if (!got?.saved) return;
        remember(author);
        onClose();
        patch({ open: got.saved.id, q: "", by: "", params: {} });
      },
    );
  };
  const submit = (e: Event) => {
    e.preventDefault();
    ask(answer !== null);
  };
  return (
    <Dialog title={t("im.title")} kind="dialog-wide" onClose={onClose}>
      <form class="form" onSubmit={submit}>
        {answer ? (
          <Report answer={answer} />
        ) : (
          // biome-ignore lint/a11y/noStaticElementInteractions: dropping is a shortcut of the field in it
          <div
            class={`drop ${over ? "drop-over" : ""}`}
            onDragOver={(e) => {
              e.preventDefault();
              setOver(true);
            }}
            onDragLeave={() => setOver(false)}
            onDrop={(e) => {
              e.preventDefault();
              setOver(false);
              void take(e.dataTransfer?.files[0]);
            }}
          >
            <Field label={t("im.text")} error={fault}>
              {(a) => <textarea {...a} data-first="" class="input mono im-text" rows={10} value={text} maxLength={TEXT_MAX} placeholder={t("im.hint")} onInput={(e) => setText(e.currentTarget.value)} spellcheck={false} />}
            </Field>
            <label class="im-file">
              <span>{t("im.file")}</span>
              <input type="file" accept=".json,application/json" onChange={(e) => void take(e.currentTarget.files?.[0])} />
            </label>
          </div>
        )}
        {answer ? (
          <div class="form-row">
            <Field label={t("da.folder")}>
              {(a) => (
                <>
                  <input {...a} class="input" value={folder} list="im-folders" maxLength={200} onInput={(e) => setFolder(e.currentTarget.value)} />
                  <datalist id="im-folders">
                    {folders.map((f) => (
                      <option key={f} value={f} />
                    ))}
                  </datalist>
                </>
              )}
            </Field>
            <NameField value={author} onInput={setAuthor} />
          </div>
        ) : null}
        <FormFoot sending={sending} label={t(answer ? "im.save" : "im.look")} onCancel={answer ? () => setAnswer(null) : onClose} />
      </form>
    </Dialog>
  );
}

function Report({ answer }: { answer: ImportAnswer }) {
  const { report, dashboard } = answer;
  return (
    <div class="im-report">
      <p class="strong">{dashboard.title}</p>
      <ul class="im-sums">
        {(["exact", "approximate", "unsupported"] as const).map((k) => (
          <li key={k} class={`im-${k}`}>
            <Icon name={SIGN[k]} size={15} />
            <span class="num strong">{report[k]}</span> {t(`im.${k}`)}
          </li>
        ))}
      </ul>
      {report.notes.map((n) => (
        <p key={n} class="soft">
          {n}
        </p>
      ))}
      <div class="im-rows" tabIndex={0} role="region" aria-label={t("im.panels")}>
        <table class="table">
          <thead>
            <tr>
              <th scope="col">{t("im.panel")}</th>
              <th scope="col">{t("im.type")}</th>
              <th scope="col">{t("im.result")}</th>
              <th scope="col">{t("im.notes")}</th>
            </tr>
          </thead>
          <tbody>
            {[...report.panels.toSorted((a, b) => WORST.indexOf(a.result) - WORST.indexOf(b.result)).map((p) => ({ ...p, name: p.title || `#${p.id}` })), ...report.variables.map((v) => ({ ...v, type: t("im.variable"), id: v.name }))].map((p) => (
              <tr key={`${p.type} ${p.id}`}>
                <td class="wrap">{p.name}</td>
                <td>{p.type}</td>
                <td class={`im-${p.result}`}>
                  <span class="mark">
                    <Icon name={SIGN[p.result]} size={14} />
                    {t(`im.${p.result}`)}
                  </span>
                </td>
                <td class="wrap">
                  {p.notes.map((n) => (
                    <div key={n}>{n}</div>
                  ))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
