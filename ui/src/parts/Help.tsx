// The keyboard shortcuts.
import type { ComponentChildren } from "preact";
import { t } from "../lib/text";
import { NAMED, PLACES } from "../state/places";
import { Dialog } from "./Dialog";
import { closeDialog } from "./dialogs";

const Key = ({ children }: { children: ComponentChildren }) => <kbd>{children}</kbd>;
type Row = [ComponentChildren, string];

export function Help() {
  const pages = NAMED.map((p): Row => [<Pair a="g" b={PLACES[p].key} />, t("help.goto", { page: t(`nav.${p}`) })]);
  const everywhere: Row[] = [
    [<Key>Ctrl-K</Key>, t("help.palette")],
    [<Key>?</Key>, t("help.help")],
    [<Key>/</Key>, t("help.filter")],
    [<Key>l</Key>, t("help.live")],
    [<Key>r</Key>, t("help.refresh")],
    [<Key>t</Key>, t("help.time")],
    [<Two a="←" b="→" />, t("help.shift")],
    [<Two a="+" b="-" />, t("help.zoom")],
    [<Key>c</Key>, t("help.before")],
    [<Two a="Shift" b="S" />, t("help.share")],
    [<Two a="Shift" b="T" />, t("help.theme")],
    [<Two a="Shift" b="D" />, t("help.density")],
    [<Key>[</Key>, t("help.rail")],
    [<Key>Esc</Key>, t("help.escape")],
  ];
  const things: Row[] = [
    [<Two a="Shift" b="F" />, t("help.full")],
    [<Two a="Shift" b="A" />, t("help.alert")],
    [<Two a="Shift" b="E" />, t("help.openPanel")],
    [<Key>V</Key>, t("help.table")],
    [<Two a="←" b="→" />, t("help.cross")],
    [<Key>X</Key>, t("help.mark")],
    [<Two a="j" b="k" />, t("help.rows")],
    [<Two a="Enter" b="Esc" />, t("help.open")],
    [<Key>a</Key>, t("help.acknowledge")],
    [<Key>s</Key>, t("help.silence")],
    [<Key>n</Key>, t("help.query")],
    [<Two a="1" b="6" />, t("help.query.hide")],
    [<Key>h</Key>, t("help.earlier")],
    [<Two a="↑" b="↓" />, t("help.plan")],
    [<Two a="←" b="→" />, t("help.plan.open")],
  ];
  return (
    <Dialog title={t("top.help")} kind="dialog-wide dialog-keys" onClose={closeDialog}>
      <Group name={t("help.everywhere")} rows={everywhere} />
      <Group name={t("help.things")} rows={things} />
      <Group name={t("help.pages")} rows={pages} />
    </Dialog>
  );
}

const Group = ({ name, rows }: { name: string; rows: Row[] }) => (
  <section>
    <h3>{name}</h3>
    <dl class="keys">
      {rows.map(([keys, text]) => (
        <div key={text}>
          <dt>{keys}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  </section>
);

const Pair = ({ a, b }: { a: string; b: string }) => (
  <>
    <Key>{a}</Key> <span class="soft">{t("help.then")}</span> <Key>{b}</Key>
  </>
);
const Two = ({ a, b }: { a: string; b: string }) => (
  <>
    <Key>{a}</Key> <Key>{b}</Key>
  </>
);
