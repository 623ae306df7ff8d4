// A receiver as text, made of an address that somebody pasted. Pure.
export const HEARS = ["critical", "warning", "all"] as const;
export type Hears = (typeof HEARS)[number];

const MATCHERS: Record<Hears, string> = { critical: `matchers: ['severity="critical"']\n`, warning: `matchers: ['severity=~"critical|warning"']\n`, all: "" };

/** Texts in YAML: between double quotes all of JSON is as it is. */
const quoted = (text: string) => JSON.stringify(text);

/** The channel that an address belongs to: those that are known by it, mail, else any webhook. */
function channelOf(address: string): string {
  if (/^[^\s/:]+@[^\s/]+$/.test(address)) return `email_configs:\n- to: ${quoted(address)}\n  smarthost: mail.example.org:587\n  from: plimsoll@example.org\n`;
  const [, host = ""] = /^https:\/\/([^/:]+)/.exec(address) ?? [];
  if (host === "hooks.slack.com") return `slack_configs:\n- api_url: ${quoted(address)}\n`;
  if (/(^|\.)discord(app)?\.com$/.test(host)) return `discord_configs:\n- webhook_url: ${quoted(address)}\n`;
  if (/(^|\.)(logic\.azure|powerplatform|office)\.com$/.test(host)) return `msteamsv2_configs:\n- webhook_url: ${quoted(address)}\n`;
  return `webhook_configs:\n- url: ${quoted(address)}\n`;
}

export const textOf = (address: string, hears: Hears): string => channelOf(address.trim()) + MATCHERS[hears];

/** A name that says where messages go, and that nobody has. */
export function nameFor(address: string, taken: readonly string[]): string {
  const host = /^(?:[a-z]+:\/\/)?(?:[^\s/@]*@)?(\[[^\]]*\]|[^\s/:?#]+)/i.exec(address.trim())?.[1] ?? "";
  const base = host.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 56);
  if (!base) return "";
  for (let i = 1; ; i++) {
    const name = i === 1 ? base : `${base}-${i}`;
    if (!taken.includes(name)) return name;
  }
}
