// All reports: what each is about, when it goes to whom.
import { useEffect, useMemo } from "preact/hooks";
import type { Reports } from "../../api/reports";
import { t } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import { Empty } from "../../parts/states";
import { offerKeys } from "../../state/pagekeys";
import { follow, go, url } from "../../state/url";
import { ClearFilter, FilterBox } from "../alerting/shell";
import { LastTime, NEW, NextTime, Origin, periodName, reportHref } from "./pieces";

export function List({ of }: { of: Reports }) {
  const { q } = url.value;
  useEffect(
    () =>
      offerKeys((e) => {
        if (e.key === "n") go(reportHref(NEW));
        return e.key === "n";
      }),
    [],
  );
  const rows = useMemo(() => {
    const words = q.toLowerCase().split(/\s+/);
    return of.reports.filter((r) => words.every((w) => `${r.title} ${r.id} ${periodName(r.period)} ${r.schedule?.receivers.join(" ") ?? ""}`.toLowerCase().includes(w)));
  }, [of, q]);
  return (
    <>
      <div class="listpage-bar">
        <FilterBox bad="" shown={rows.length} all={of.reports.length} hint={t("rp.filter")} />
        <a class="button button-main" href={reportHref(NEW)} onClick={follow} title="n">
          <Icon name="plus" size={15} />
          {t("rp.new")}
        </a>
      </div>
      <section class="panel list rp-list" aria-label={t("nav.reports")}>
        {rows.length === 0 ? (
          <Empty>
            <strong>{t("al.filter.none")}</strong>
            <ClearFilter />
          </Empty>
        ) : (
          <table class="table">
            <thead>
              <tr>
                <th scope="col">{t("rp.col.report")}</th>
                <th scope="col">{t("rp.col.about")}</th>
                <th scope="col">{t("rp.col.next")}</th>
                <th scope="col">{t("rp.col.last")}</th>
                <th scope="col">{t("rp.col.to")}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((r) => (
                <tr key={r.id}>
                  <th scope="row" class="wrap">
                    <a class="strong" href={reportHref(r.id)} onClick={follow}>
                      {r.title}
                    </a>{" "}
                    <span class="soft">{r.id}</span> <Origin of={r} />
                  </th>
                  <td>{periodName(r.period)}</td>
                  <td>
                    <NextTime of={r} />
                  </td>
                  <td>
                    <LastTime of={r} />
                  </td>
                  <td class="wrap">{r.schedule?.receivers.join(", ") ?? "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </section>
    </>
  );
}
