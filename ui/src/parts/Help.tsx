// The keyboard shortcuts.
import type { ComponentChildren } from "preact";
import { t } from "../lib/text";
import { PAGE_NAMES, PLACES } from "../state/places";
import { Dialog } from "./Dialog";
import { closeDialog } from "./dialogs";

const Key = ({ children }: { children: ComponentChildren }) => <kbd>{children}</kbd>;

export function Help() {
  const rows: [ComponentChildren, string][] = [
    ...PAGE_NAMES.map((p): [ComponentChildren, string] => [<Pair a="g" b={PLACES[p].key} />, t("help.goto", { page: t(`nav.${p}`) })]),
    [<Key>Ctrl-K</Key>, t("help.palette")],
    [<Key>/</Key>, t("help.filter")],
    [<Key>L</Key>, t("help.live")],
    [<Key>t</Key>, t("help.time")],
    [<Two a="←" b="→" />, t("help.shift")],
    [<Two a="+" b="-" />, t("help.zoom")],
    [<Key>T</Key>, t("help.theme")],
    [<Key>V</Key>, t("help.table")],
    [<Two a="←" b="→" />, t("help.cross")],
    [<Key>X</Key>, t("help.mark")],
    [<Two a="j" b="k" />, t("help.rows")],
    [<Two a="Enter" b="Esc" />, t("help.open")],
    [<Key>a</Key>, t("help.acknowledge")],
    [<Key>s</Key>, t("help.silence")],
    [<Two a="↑" b="↓" />, t("help.plan")],
    [<Two a="←" b="→" />, t("help.plan.open")],
    [<Key>Esc</Key>, t("help.escape")],
    [<Key>?</Key>, t("help.help")],
  ];
  return (
    <Dialog title={t("help.title")} kind="dialog-wide dialog-keys" onClose={closeDialog}>
      <dl class="keys">
        {rows.map(([keys, text]) => (
          <div key={text}>
            <dt>{keys}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

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
