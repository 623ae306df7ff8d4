// The pages of reports: the list, one report as it is now, and the form in which one is written.
import "../css/reports.css";
import "../lib/textAlerting";
import "../lib/textReports";
import { fetchReports } from "../api/reports";
import { t } from "../lib/text";
import { Empty } from "../parts/states";
import { stale } from "../state/connection";
import { usePoll } from "../state/poll";
import { follow, url } from "../state/url";
import { Asked } from "./alerting/shell";
import { List } from "./reports/List";
import { reportHref } from "./reports/pieces";
import { View } from "./reports/View";

const EVERY_MS = 15_000;

export function Reports() {
  const { open } = url.value;
  const asked = usePoll("reports", fetchReports, EVERY_MS);
  const one = asked.data?.reports.find((r) => r.id === open);
  return (
    <div class={`rp ${stale.value ? "is-stale" : ""}`}>
      <h1 class={open ? "rp-title" : "sr-only"}>{open ? (one?.title ?? open) : t("nav.reports")}</h1>
      <Asked of={asked}>
        {(data) =>
          !open ? (
            <List of={data} />
          ) : one ? (
            <View key={one.id} of={one} receivers={data.receivers} />
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
