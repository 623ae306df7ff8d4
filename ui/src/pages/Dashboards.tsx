// The pages of dashboards: the list, one dashboard, and short links. Editing arrives with a chunk of its own.
import "../css/dashboards.css";
import "../css/panels.css";
import "../lib/textDashboards";
import { useEffect, useState } from "preact/hooks";
import { fetchLink } from "../api/dashboards";
import { t } from "../lib/text";
import { Failed, Loading } from "../parts/states";
import { go, page, url } from "../state/url";
import { List } from "./dashboards/List";
import { View } from "./dashboards/View";

/** Explore draws its heat map with these. */
export { HeatMap } from "./dashboards/kinds/cells";
export { itemsOf } from "./dashboards/series";

export function Dashboards() {
  const { open } = url.value;
  if (page.value === "short") return <Short id={open} />;
  return open ? <View key={open} id={open} /> : <List />;
}

/** A short link leads on to what it stands for. */
function Short({ id }: { id: string }) {
  const [error, setError] = useState("");
  useEffect(() => {
    const abort = new AbortController();
    fetchLink(id, abort.signal).then(
      (l) => {
        if (/^\/(?![/\\])/.test(l.url)) {
          history.replaceState(null, "", l.url);
          go(l.url);
        } else setError(t("da.short.bad"));
      },
      (e: Error) => abort.signal.aborted || setError(e.message),
    );
    return () => abort.abort();
  }, [id]);
  return error ? <Failed message={error} /> : <Loading />;
}
