// The pages of reports: the list, one report as it is now, and the form in which one is written.
import "../css/reports.css";
import "../lib/textAlerting";
import "../lib/textReports";
import { useRef, useState } from "preact/hooks";
import { fetchReports, type ReportDoc } from "../api/reports";
import { t } from "../lib/text";
import { Empty } from "../parts/states";
import { stale } from "../state/connection";
import { usePoll } from "../state/poll";
import { follow, go, url } from "../state/url";
import { Asked } from "./alerting/shell";
import { Edit } from "./reports/Edit";
import { List } from "./reports/List";
import { NEW, reportHref } from "./reports/pieces";
import { View } from "./reports/View";

const EVERY_MS = 15_000;

export function Reports() {
  const { open, params } = url.value;
  // What was saved is asked for anew, not shown as it was.
  const [saved, setSaved] = useState(0);
  const asked = usePoll(`reports ${saved}`, fetchReports, EVERY_MS);
  const all = asked.data?.reports ?? [];
  const one = all.find((r) => r.id === open);
  // One that is being changed stays although somebody deletes it.
  const last = useRef<ReportDoc | null>(null);
  if (one) last.current = one;
  const editing = open === NEW ? null : params["edit"] && last.current?.id === open ? last.current : undefined;
  return (
    <div class={`rp ${editing === undefined ? "" : "rp-both"} ${stale.value ? "is-stale" : ""}`}>
      <h1 class={open ? "rp-title" : "sr-only"}>{open === NEW ? t("rp.new") : open ? (one?.title ?? open) : t("nav.reports")}</h1>
      <Asked of={asked}>
        {(data) =>
          !open ? (
            <List of={data} />
          ) : editing !== undefined ? (
            <Edit
              key={`${open} ${params["base"]}`}
              of={editing}
              base={all.find((r) => r.id === params["base"])}
              receivers={data.receivers}
              onSaved={(id) => {
                setSaved(saved + 1);
                go(reportHref(id));
              }}
            />
          ) : one ? (
            <View key={one.id} of={one} receivers={data.receivers} onChanged={asked.again} />
          ) : (
            <Empty>
              <p>{t("rp.gone", { id: open })}</p>
              <a class="button" href={reportHref("")} onClick={follow}>
                {t("rp.back")}
              </a>
            </Empty>
          )
        }
      </Asked>
    </div>
  );
}
