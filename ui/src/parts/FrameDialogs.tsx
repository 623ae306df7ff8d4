// The dialogs of the frame, one chunk: help, the command palette, the time range, sharing, and what telephones have under "more".
import "../css/dialogs.css";
import "../lib/textFrame";
import { dialog, type DialogName } from "./dialogs";
import { Help } from "./Help";
import { More } from "./More";
import { Palette } from "./Palette";
import { Share } from "./Share";
import { TimeDialog } from "./TimeDialog";

const DIALOGS: Record<DialogName, () => preact.JSX.Element> = { help: Help, palette: Palette, time: TimeDialog, share: Share, more: More };

export function FrameDialogs() {
  const Open = dialog.value && DIALOGS[dialog.value];
  return Open ? <Open /> : null;
}
