// What changes in a rule file, as a patch: for those who keep their rules in git.
import { useState } from "preact/hooks";
import { t } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import { patchOf } from "./ruleText";

interface Props {
  name: string;
  /** null: there is no such file yet */
  before: string | null;
  after: string;
}

export function Patch({ name, before, after }: Props) {
  const [copied, setCopied] = useState("");
  const text = patchOf(`rules/${name}.yml`, before, after);
  if (!text) return null;
  const save = () => {
    const a = document.createElement("a");
    a.href = URL.createObjectURL(new Blob([text], { type: "text/x-patch" }));
    a.download = `${name}.patch`;
    a.click();
    setTimeout(() => URL.revokeObjectURL(a.href), 1000);
  };
  return (
    <details class="bt-text">
      <summary>{t("pa.title")}</summary>
      <pre class="expr mono patch" tabIndex={0}>
        {text}
      </pre>
      <div class="acts">
        {navigator.clipboard ? (
          <button type="button" class="button" onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(text))}>
            <Icon name={copied === text ? "ok" : "link"} size={15} />
            {t(copied === text ? "common.linked" : "pa.copy")}
          </button>
        ) : null}
        <button type="button" class="button" onClick={save}>
          {t("pa.save")}
        </button>
      </div>
    </details>
  );
}
