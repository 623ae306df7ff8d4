// Copies the address, which alone gives the same page again. Not shown where the browser has no clipboard for us.
import { useEffect, useState } from "preact/hooks";
import { t } from "../lib/text";
import { Icon } from "./Icon";

const SAID_MS = 2000;

export function CopyLink() {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), SAID_MS);
    return () => clearTimeout(timer);
  }, [done]);
  if (!navigator.clipboard) return null;
  return (
    <button type="button" class="button" onClick={() => void navigator.clipboard.writeText(location.href).then(() => setDone(true))}>
      <Icon name={done ? "ok" : "link"} size={15} />
      <span role="status">{t(done ? "common.linked" : "common.link")}</span>
    </button>
  );
}
