// The address of what is shown, to hand to others: with the range as it is, or held at the times that it shows now.
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../lib/text";
import { resolveRange } from "../lib/time";
import { url } from "../state/url";
import { formatUrl } from "../state/urlstate";
import { Dialog } from "./Dialog";
import { closeDialog } from "./dialogs";
import { Icon } from "./Icon";

function address(fixed: boolean): string {
  const s = url.value;
  const span = fixed ? resolveRange(s.range, Date.now()) : null;
  return location.origin + formatUrl(span ? { ...s, live: false, range: { from: String(span.from), to: String(span.to) } } : s);
}

export function Share() {
  const [fixed, setFixed] = useState(false);
  const [copied, setCopied] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const text = address(fixed);
  useEffect(() => field.current?.select(), [fixed]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
    } catch {
      // Pages of other machines over plain HTTP may not: the text is selected, Ctrl-C takes it.
      field.current?.select();
      setCopied(document.execCommand("copy"));
    }
  };
  return (
    <Dialog title={t("top.share")} onClose={closeDialog}>
      <div class="fields share-row">
        <label>
          {t("share.address")}
          <input ref={field} class="input mono" data-first="" readOnly value={text} onFocus={(e) => e.currentTarget.select()} />
        </label>
        <button type="button" class="button button-main" onClick={() => void copy()}>
          <Icon name="link" size={15} />
          {t("share.copy")}
        </button>
      </div>
      <label class="check">
        <input
          type="checkbox"
          checked={fixed}
          onChange={(e) => {
            setFixed(e.currentTarget.checked);
            setCopied(false);
          }}
        />
        {t("share.fixed")}
      </label>
      <p class="soft share-said" role="status">
        {copied ? t("share.copied") : t("share.text")}
      </p>
    </Dialog>
  );
}
