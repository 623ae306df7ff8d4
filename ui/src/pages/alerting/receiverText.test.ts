import { describe, expect, it } from "vitest";
import { nameFor, textOf } from "./receiverText";

describe("a receiver made of an address", () => {
  it("is a webhook unless the address says more", () => {
    expect(textOf(" http://127.0.0.1:9000/hook?a=b ", "critical")).toBe(`webhook_configs:\n- url: "http://127.0.0.1:9000/hook?a=b"\nmatchers: ['severity="critical"']\n`);
    expect(textOf("https://hooks.slack.com/services/T/B/x", "all")).toBe('slack_configs:\n- api_url: "https://hooks.slack.com/services/T/B/x"\n');
    expect(textOf("https://discord.com/api/webhooks/1/x", "warning")).toContain('discord_configs:\n- webhook_url: "https://discord.com/api/webhooks/1/x"\nmatchers: [\'severity=~"critical|warning"\']');
    expect(textOf("https://prod-1.logic.azure.com/workflows/x", "all")).toMatch(/^msteamsv2_configs:/);
    expect(textOf("https://evil-discord.com.example/x", "all")).toMatch(/^webhook_configs:/);
    expect(textOf("ops@example.org", "all")).toMatch(/^email_configs:\n- to: "ops@example\.org"\n {2}smarthost: /);
  });
  it("cannot be left by what is pasted", () => expect(textOf('http://x/"\n- url: y', "all")).toBe('webhook_configs:\n- url: "http://x/\\"\\n- url: y"\n'));
  it("is called like its host, and like nobody else", () => {
    expect(nameFor("http://127.0.0.1:9000/hook", [])).toBe("127-0-0-1");
    expect(nameFor("https://user:pw@Hooks.Slack.com/x", ["hooks-slack-com", "hooks-slack-com-2"])).toBe("hooks-slack-com-3");
    expect(nameFor("ops@example.org", [])).toBe("example-org");
    expect(nameFor("  ", [])).toBe("");
  });
});
