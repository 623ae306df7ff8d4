// The panels of a dashboard on their grid of 24 columns, with the choices above them.
import type { ComponentChildren, HTMLAttributes } from "preact";
import { useMemo } from "preact/hooks";
import type { Annotation, Dashboard, Panel } from "../../api/dashboards";
import { t } from "../../lib/text";
import { Icon } from "../../parts/Icon";
import { Empty } from "../../parts/states";
import { url } from "../../state/url";
import { useHappenings } from "./annotations";
import { DashPanel } from "./DashPanel";
import type { Values } from "./interpolate";
import { flip, keptIn } from "./kept";
import { COPIES_MAX, leftOut, PLACED_MAX, type Placed, place } from "./layout";
import { fill, type Scope } from "./scope";
import { useVariables } from "./variables";
import { VariablesBar } from "./VariablesBar";

/** What the editor adds to each panel. */
export interface BoardEdit {
  cell: (placed: Placed) => HTMLAttributes<HTMLDivElement>;
  handles: (placed: Placed) => ComponentChildren;
  onEdit: (panel: Panel) => void;
}

interface Props {
  dashboard: Dashboard;
  edit?: BoardEdit;
  /** a panel's editor opens the dashboard's */
  onEdit?: ((panel: Panel) => void) | undefined;
  again: number;
}

const NO_VALUES: Values = {};
const NO_ANNOTATIONS: Annotation[] = [];

export function useScope(dashboard: Dashboard, again: number): { scope: Scope; variables: ReturnType<typeof useVariables>; shown: (a: Annotation) => boolean } {
  const variables = useVariables(dashboard, again);
  const annotations = dashboard.annotations ?? NO_ANNOTATIONS;
  const { marks } = url.value.params;
  const shown = (a: Annotation) => a.enabled !== keptIn("marks").includes(a.name);
  const wanted = useMemo(() => annotations.filter(shown), [annotations, marks]);
  const { ready, values, filters } = variables;
  const happenings = useHappenings(wanted, dashboard.id, ready, values, filters);
  const names = useMemo(() => (dashboard.variables ?? []).map((v) => v.name), [dashboard.variables]);
  const scope = useMemo((): Scope => ({ id: dashboard.id, ready, values, names, filters, happenings, again }), [dashboard.id, ready, values, names, filters, happenings, again]);
  return { scope, variables, shown };
}

export function Board({ dashboard, edit, onEdit, again }: Props) {
  const { scope, variables, shown } = useScope(dashboard, again);
  const { panel: full, rows } = url.value.params;
  const shut = (row: Panel) => !edit && keptIn("rows").includes(String(row.id)) !== (row.collapsed ?? false);
  const everything = useMemo(() => place(dashboard.panels, edit ? NO_VALUES : scope.values, shut), [dashboard.panels, edit ? NO_VALUES : scope.values, rows, Boolean(edit)]);
  const placed = everything.slice(0, PLACED_MAX);
  const more = everything.length - placed.length + (edit ? 0 : leftOut(dashboard.panels, scope.values));
  const alone = full ? placed.find((p) => p.key === full) : undefined;
  return (
    <>
      <VariablesBar variables={dashboard.variables ?? []} state={variables} annotations={dashboard.annotations ?? NO_ANNOTATIONS} shown={shown} />
      {dashboard.panels.length === 0 ? <Empty>{t("da.empty")}</Empty> : null}
      {alone ? (
        <div class="board-full">
          <DashPanel key={alone.key} placed={alone} scope={scope} full onEdit={onEdit && (() => onEdit(alone.panel))} />
        </div>
      ) : (
        <div class={`board ${edit ? "board-edit" : ""}`}>
          {placed.map((p) => {
            const { x, y, w, h } = p.at;
            const { style: _, class: more, ...rest } = edit?.cell(p) ?? {};
            return (
              <div key={p.key} class={`cell ${p.panel.kind === "row" ? "cell-row" : ""} ${more ?? ""}`} {...rest} style={{ "--x": x + 1, "--y": y + 1, "--w": w, "--h": h }}>
                {p.panel.kind === "row" ? <Row placed={p} scope={scope} open={!shut(p.panel)} fixed={Boolean(edit)} onTurn={() => flip("rows", String(p.panel.id))} /> : <DashPanel placed={p} scope={scope} edit={Boolean(edit)} onEdit={edit ? () => edit.onEdit(p.panel) : onEdit && (() => onEdit(p.panel))} />}
                {edit?.handles(p)}
              </div>
            );
          })}
        </div>
      )}
      {more > 0 && !alone ? (
        <p class="dash-more" role="status">
          <Icon name="info" size={15} /> {t("da.left", { n: more, copies: COPIES_MAX, most: PLACED_MAX })}
        </p>
      ) : null}
    </>
  );
}

/** A heading over panels, which hides them and shows them again. */
function Row({ placed, scope, open, fixed, onTurn }: { placed: Placed; scope: Scope; open: boolean; fixed: boolean; onTurn: () => void }) {
  const title = fill(placed.panel.title, scope, placed.own) || t("da.row");
  return (
    <h2 class="row-head">
      <button type="button" class="row-turn" aria-expanded={open} disabled={fixed} onClick={onTurn}>
        <Icon name="chevron" size={16} />
        {title}
        {open ? null : <span class="soft num">{t("da.row.hides", { n: placed.hides ?? 0 })}</span>}
      </button>
    </h2>
  );
}
