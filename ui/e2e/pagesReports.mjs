// Page objects of reports, and what specs make and remove by the API.
import { assert, base } from "./browser.mjs";

const API = `${base}/api/plimsoll/v1`;
const json = { "content-type": "application/json" };

export async function makeReport(report) {
  const answer = await fetch(`${API}/reports`, { method: "POST", headers: json, body: JSON.stringify({ report, author: "e2e" }) });
  assert(answer.status === 201, `making ${report.id}: ${answer.status} ${await answer.text()}`);
}

export async function changeReport(report, version, note = "") {
  const answer = await fetch(`${API}/reports/${report.id}`, { method: "PUT", headers: json, body: JSON.stringify({ report, version, author: "somebody", note }) });
  assert(answer.ok, `changing ${report.id}: ${answer.status} ${await answer.text()}`);
}

export const removeReport = (id) => fetch(`${API}/reports/${id}`, { method: "DELETE" });

export async function makeReceiver(name, url) {
  const answer = await fetch(`${API}/receivers/${name}`, { method: "PUT", headers: json, body: JSON.stringify({ text: `webhook_configs:\n- url: ${url}\nmatchers: ['e2e="never"']\n`, author: "e2e", expected_version: 0 }) });
  assert(answer.ok, `making ${name}: ${answer.status} ${await answer.text()}`);
}

export const removeReceiver = (name) => fetch(`${API}/receivers/${name}`, { method: "DELETE" });

export const reports = (page) => ({
  row: (title) => page.locator(".rp-list tbody tr").filter({ has: page.getByRole("link", { name: title, exact: true }) }),
  document: page.locator(".rp-doc"),
  part: (title) => page.locator(".rp-part").filter({ has: page.getByRole("heading", { name: title, exact: true, level: 2 }) }),
  download: (format) => page.getByRole("button", { name: `Download as ${format}` }),
  about: page.getByRole("combobox", { name: "About" }),
  send: page.getByRole("button", { name: "Send now" }),
  dialog: page.getByRole("dialog"),
  edit: page.getByRole("link", { name: "Edit", exact: true }),
  form: page.locator(".rp-form"),
  field: (label) => page.locator(".rp-form").getByLabel(label, { exact: true }),
  sections: page.locator(".rp-section"),
  preview: page.getByRole("region", { name: "As it would be now" }),
  save: page.getByRole("button", { name: "Save", exact: true }),
});
