// The states that every view has: loading, empty, failed. Never a blank box; each says what it is and why.
import type { ComponentChildren } from "preact";
import { t } from "../lib/text";
import { Icon } from "./Icon";

export const Loading = () => (
  <div class="state skeleton" role="status">
    <span class="sr-only">{t("state.loading")}</span>
    <div class="skeleton-bar" />
    <div class="skeleton-bar" />
    <div class="skeleton-bar" />
  </div>
);

export const Empty = ({ children }: { children: ComponentChildren }) => <div class="state state-empty">{children}</div>;

export const Failed = ({ title, message, onRetry }: { title?: string; message: string; onRetry?: () => void }) => (
  <div class="state state-failed" role="alert">
    <Icon name="warning" />
    <div>
      <strong>{title ?? t("error.title")}</strong>
      <p>{message}</p>
      {onRetry ? (
        <button type="button" class="button" onClick={onRetry}>
          {t("error.retry")}
        </button>
      ) : null}
    </div>
  </div>
);
