// Queries that were asked in this browser: those with a star, and the last hundred.
import { useState } from "preact/hooks";
import { formatMoment } from "../../lib/format";
import { t } from "../../lib/text";
import { Dialog } from "../../parts/Dialog";
import { Icon } from "../../parts/Icon";
import { Empty } from "../../parts/states";
import { zone } from "../../state/url";
import { type Earlier, earlier, EARLIER_MAX, forgetAll, matching, star } from "./earlier";

interface Props {
  onPick: (queries: string[]) => void;
  onClose: () => void;
}

export function EarlierDialog({ onPick, onClose }: Props) {
  const [words, setWords] = useState("");
  const [asking, setAsking] = useState(false);
  const all = earlier.value;
  const found = matching(all, words);
  const plain = all.filter((e) => !e.starred).length;
  const pick = (e: Earlier) => {
    onClose();
    onPick(e.queries);
  };
  const parts = ([[t("ex.history.starred"), found.filter((e) => e.starred)], [t("ex.history.recent"), found.filter((e) => !e.starred)]] as const).filter(([, of]) => of.length > 0);
  return (
    <Dialog title={t("ex.history")} kind="dialog-wide" onClose={onClose}>
      <form
        class="earlier-bar"
        onSubmit={(e) => {
          e.preventDefault();
          const first = parts[0]?.[1][0];
          if (first) pick(first);
        }}
      >
        <input class="input" type="search" data-first="" aria-label={t("ex.history.search")} placeholder={t("ex.history.search")} value={words} onInput={(e) => setWords(e.currentTarget.value)} spellcheck={false} autocomplete="off" />
        {asking ? (
          <>
            <button
              type="button"
              class="button button-main"
              onClick={() => {
                forgetAll();
                setAsking(false);
              }}
            >
              {t("ex.history.sure", { n: plain })}
            </button>
            <button type="button" class="button" onClick={() => setAsking(false)}>
              {t("ex.history.keep")}
            </button>
          </>
        ) : (
          <button type="button" class="button" disabled={plain === 0} onClick={() => setAsking(true)}>
            <Icon name="trash" size={15} />
            {t("ex.history.clear")}
          </button>
        )}
      </form>
      <div class="earlier-list">
        {parts.length === 0 ? <Empty>{all.length === 0 ? t("ex.history.none", { n: EARLIER_MAX }) : t("ex.history.nomatch")}</Empty> : null}
        {parts.map(([name, of]) => (
          <section key={name} aria-label={name}>
            <h3>{name}</h3>
            <ul>
              {of.map((e) => (
                <li key={`${e.at} ${e.queries.join()}`} class="earlier-row">
                  <button type="button" class="button button-icon" aria-label={`${t(e.starred ? "ex.unstar" : "ex.star")}: ${e.queries.join(", ")}`} title={t(e.starred ? "ex.unstar" : "ex.star")} onClick={() => star(e.queries)}>
                    <span class={e.starred ? "star-on" : ""}>
                      <Icon name="star" size={16} />
                    </span>
                  </button>
                  <button type="button" class="earlier-pick" onClick={() => pick(e)}>
                    <span>
                      {e.queries.map((q, i) => (
                        // Two rows may hold the same query.
                        <code class="mono" key={`${i} ${q}`} title={q}>
                          {q}
                        </code>
                      ))}
                    </span>
                    <span class="soft num">{formatMoment(e.at, Date.now(), zone.value)}</span>
                  </button>
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
