// Keys.
function neighbour(key) {
  const rows = all(".mx tbody tr").map((row) => all(".cell", row)).filter((row) => row.length);
  if (!rows.length) return;
  const at = rows.findIndex((row) => row.includes(page.activeElement));
  const down = at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + (key === "j") - (key === "k")));
  const across = at < 0 ? 0 : rows[at].indexOf(page.activeElement) + (key === "l") - (key === "h");
  rows[down][Math.min(rows[down].length - 1, Math.max(0, across))].focus();
}
function line(key) {
  const lines = all("[data-line]");
  if (!lines.length) return;
  const at = lines.indexOf(page.activeElement);
  lines[Math.min(lines.length - 1, Math.max(0, at < 0 ? 0 : at + (key === "j") - (key === "k")))].focus();
}
// Keys that are pressed alone can be turned off, for this browser.
const followed = page.querySelector("#keys-followed"), help = page.querySelector("#help");
const kept = (value) => {
  try { return value === undefined ? localStorage.getItem("keys") : localStorage.setItem("keys", value); } catch (_) { return null; }
};
if (followed) {
  followed.checked = kept() !== "off";
  followed.addEventListener("change", () => kept(followed.checked ? "on" : "off"));
}
if (help) {
  help.hidden = false;
  help.addEventListener("click", () => page.querySelector("#keys").showModal());
}
page.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input:not([type=checkbox]), textarea, select")) { if (event.key === "Escape") event.target.blur(); return; }
  const keys = page.querySelector("#keys");
  if (keys && keys.open || followed && !followed.checked && event.key !== "Escape") return;
  if (event.key === "/" && box()) { event.preventDefault(); box().focus(); }
  else if (event.key === "?" && keys) keys.showModal();
  else if (event.key === "w") { const link = page.querySelector("a[data-key=w]"); if (link) link.click(); }
  else if (event.key === "m") { const link = page.querySelector("a[data-key=m]"); if (link) link.click(); }
  else if (event.key === "Escape") for (const open of all("details[open][data-act]")) open.open = false;
  else if ("hjkl".includes(event.key)) { if (page.querySelector(".mx")) neighbour(event.key); else line(event.key); }
});
// One panel at a time, and its first field has the cursor.
page.addEventListener("toggle", (event) => {
  const panel = event.target;
  if (!panel.matches("details[data-act]") || !panel.open) return;
  for (const other of all("details[open][data-act]")) if (other !== panel) other.open = false;
  const field = panel.querySelector("input:not([type=hidden]), textarea, button");
  if (field) field.focus();
}, true);
page.addEventListener("click", (event) => {
  for (const open of all("details.more[open]")) if (!open.contains(event.target)) open.open = false;
});
page.addEventListener("submit", (event) => {
  for (const button of all("button", event.target)) setTimeout(() => { button.disabled = true; }, 0);
});
