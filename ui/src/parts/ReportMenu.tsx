// What a page shows, to take along: the report about it, as a file, to be sent, or as the start of another.
import { t } from "../lib/text";
import { hrefOf } from "../state/url";
import { Menu } from "./Menu";

/** Saves a file of the server under the name that the server gives it. */
export function saveFrom(href: string): void {
  const a = document.createElement("a");
  a.href = href;
  a.download = "";
  a.click();
}

export function ReportMenu({ id }: { id: string }) {
  const its = { range: { from: "", to: "" } };
  return (
    <Menu
      label={t("report.menu")}
      icon="reports"
      text={t("report.menu")}
      items={[
        { label: t("report.pdf"), icon: "download", onPick: () => saveFrom(`/api/plimsoll/v1/reports/${id}/render?format=pdf`) },
        { label: t("report.open"), icon: "reports", href: hrefOf("reports", { open: id, ...its }) },
        { label: t("report.base"), icon: "copy", href: hrefOf("reports", { open: "+", params: { base: id }, ...its }) },
      ]}
    />
  );
}
