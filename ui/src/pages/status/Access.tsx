// Places for users, tokens and audit: what is not there yet says so.
import { fetchOwnStatus } from "../../api/status";
import { t } from "../../lib/text";
import { usePoll } from "../../state/poll";

const PLACES = ["users", "tokens", "audit"] as const;

export function Access() {
  const asked = usePoll("own status", fetchOwnStatus, 60_000);
  return (
    <section class="panel access" aria-label={t("st.a.title")}>
      <h2>{t("st.a.title")}</h2>
      <p>{t("st.a.text")}</p>
      <dl>
        {PLACES.map((p) => (
          <div key={p}>
            <dt class="strong">{t(`st.a.${p}`)}</dt>
            <dd class="soft">{t(`st.a.${p}.text`)}</dd>
          </div>
        ))}
        {asked.data?.notes?.length ? (
          <div>
            <dt class="strong">{t("st.a.notes")}</dt>
            <dd class="soft">{asked.data.notes.join(" · ")}</dd>
          </div>
        ) : null}
      </dl>
    </section>
  );
}
