// Addresses of what is on the screen: as it is, short, and without anything around it.
import { useState } from "preact/hooks";
import { shorten } from "../../api/dashboards";
import { t } from "../../lib/text";
import { Dialog } from "../../parts/Dialog";
import { Icon } from "../../parts/Icon";
import { url } from "../../state/url";
import { formatUrl } from "../../state/urlstate";
import { useSending } from "../alerting/form";

function Address({ label, href }: { label: string; href: string }) {
  const [copied, setCopied] = useState(false);
  const full = location.origin + href;
  const copy = () => navigator.clipboard?.writeText(full).then(() => setCopied(true), () => {});
  return (
    <label class="field">
      <span>{label}</span>
      <span class="share-row">
        <input class="input mono" readOnly value={full} onFocus={(e) => e.currentTarget.select()} />
        <button type="button" class="button" onClick={copy}>
          <Icon name={copied ? "ok" : "copy"} size={15} />
          <span role="status">{t(copied ? "common.linked" : "sh.copy")}</span>
        </button>
      </span>
    </label>
  );
}

export function ShareDialog({ onClose }: { onClose: () => void }) {
  const [short, setShort] = useState("");
  const sending = useSending();
  const { edit: _, kiosk: __, ...params } = url.value.params;
  const here = formatUrl({ ...url.value, params });
  const kiosk = formatUrl({ ...url.value, params: { ...params, kiosk: "1" } });
  const make = () => {
    let id = "";
    sending.run(
      async () => {
        id = (await shorten(here)).id;
      },
      () => setShort(`/s/${encodeURIComponent(id)}`),
    );
  };
  return (
    <Dialog title={t("sh.title")} onClose={onClose}>
      <div class="form">
        <Address label={t("sh.here")} href={here} />
        {short ? (
          <Address label={t("sh.short")} href={short} />
        ) : (
          <button type="button" class="button" aria-busy={sending.busy} onClick={make}>
            <Icon name="link" size={15} />
            {t("sh.make")}
          </button>
        )}
        {sending.error ? (
          <p class="form-error" role="alert">
            {sending.error}
          </p>
        ) : null}
        <Address label={t("sh.kiosk")} href={kiosk} />
        <p class="soft">{t("sh.text")}</p>
      </div>
    </Dialog>
  );
}
