// A unified diff, each line by its sign.
import "../css/writing.css";

const KINDS: Record<string, string> = { "+": "diff-more", "-": "diff-less", "@": "diff-at" };
const kindOf = (line: string) => (/^(\+\+\+|---)/.test(line) ? "diff-at" : (KINDS[line.charAt(0)] ?? ""));

export const Diff = ({ text, none }: { text: string; none: string }) =>
  text.trim() ? (
    <pre class="diff mono" tabIndex={0}>
      {text
        .replace(/\n$/, "")
        .split("\n")
        .map((line, i) => (
          <span key={`${i} ${line}`} class={kindOf(line)}>
            {line || " "}
            {"\n"}
          </span>
        ))}
    </pre>
  ) : (
    <p class="soft">{none}</p>
  );
