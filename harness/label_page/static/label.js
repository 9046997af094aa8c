"use strict";
// Every page works without this file; it adds keys, saving that survives a lost server, and themes.

const $ = (id) => document.getElementById(id);

// Colours: automatic, light or dark; remembered on this machine.
const THEMES = ["auto", "light", "dark"];
function showTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  $("theme").textContent = { auto: "Auto theme", light: "Light theme", dark: "Dark theme" }[theme];
}
function remembered(name, otherwise) {
  try { return localStorage.getItem(name) || otherwise; } catch { return otherwise; }
}
function remember(name, value) {
  try { localStorage.setItem(name, value); } catch { /* private windows may refuse */ }
}
let theme = remembered("theme", "auto");
showTheme(theme);
$("theme").addEventListener("click", () => {
  theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
  remember("theme", theme);
  showTheme(theme);
});

// Saving: the next task shows only after the server has said that the click is on its disk. While
// the server cannot be reached, or cannot save, the click is kept and sent again; its key makes it
// count once.
let pending = false;
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
function say(text, isProblem) {
  const status = $("status");
  if (!status) return;
  status.textContent = text;
  status.classList.toggle("problem", Boolean(isProblem));
}
const label = (button) => button && (button.querySelector("span") || button.firstChild);
async function said(reply) {
  const text = await reply.text();
  try { return JSON.parse(text); } catch { return { error: text.slice(0, 300) }; }
}
async function send(form, button) {
  if (pending) return;
  pending = true;
  const fields = new URLSearchParams(new FormData(form));
  if (button && button.name) fields.set(button.name, button.value);
  if (button) button.dataset.sent = "";
  const words = label(button)?.textContent;
  for (let attempt = 1; ; attempt += 1) {
    let problem = "The server does not answer.";
    try {
      const reply = await fetch(form.getAttribute("action"), {
        method: "POST", body: fields, headers: { "X-Requested-With": "fetch" },
        signal: AbortSignal.timeout(30000),
      });
      const answer = await said(reply);
      if (reply.ok) { pending = false; location.assign(answer.next); return; }
      problem = answer.error;
      if (reply.status < 500) {
        pending = false;
        if (button) { delete button.dataset.sent; label(button).textContent = words; }
        say(problem, true);
        return;
      }
    } catch { /* the server cannot be reached */ }
    if (button) label(button).textContent = "Sending again… ";
    say(`Not saved yet. ${problem} Your choice is kept and sent again by itself (${attempt}).`, true);
    await wait(Math.min(5000, 400 * attempt));
  }
}
for (const id of ["answer", "undo"]) {
  const form = $(id);
  if (!form) continue;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const number = $("number");
    if (id === "answer" && number && !event.submitter?.name && number.value === "") {
      say("Type a number first, or skip.", true);
      number.focus();
      return;
    }
    send(form, event.submitter);
  });
}
addEventListener("beforeunload", (event) => { if (pending) event.preventDefault(); });

// Keys.
const help = $("help");
const isOn = () => remembered("keys", "on") === "on";
if (help) {
  $("help-open").hidden = false;
  $("help-open").addEventListener("click", () => help.showModal());
  $("keys-on").checked = isOn();
  $("keys-on").addEventListener("change", (event) => remember("keys", event.target.checked ? "on" : "off"));
}
function open(id) {
  $("more").open = true;
  $(id).focus();
}
function toggleRaw() {
  for (const raw of document.querySelectorAll(".raw")) {
    raw.hidden = !raw.hidden;
    raw.previousElementSibling.hidden = !raw.hidden;
  }
}
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const field = event.target.closest("textarea, input:not([type=checkbox])");
  if (field) {
    if (event.key === "Escape") field.blur();
    return;
  }
  if (!isOn() || (help && help.open)) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const buttons = [...document.querySelectorAll("button[data-keys]")];
  const button = buttons.find((one) => one.dataset.keys.split(" ").includes(key));
  const acts = {
    "?": () => help && help.showModal(),
    c: () => $("comment") && open("comment"),
    e: () => $("correction") && open("correction"),
    r: toggleRaw,
  };
  if (button && !button.disabled) button.click();
  else if (acts[key]) acts[key]();
  else return;
  event.preventDefault();
});

// A better answer often starts from one that is there.
for (const starts of document.querySelectorAll(".starts")) starts.hidden = false;
for (const button of document.querySelectorAll(".start")) {
  button.addEventListener("click", () => {
    const raw = document.querySelectorAll(".raw")[Number(button.dataset.from)];
    $("correction").value = raw.textContent;
    $("correction").focus();
  });
}

// A link with a token: the token stands after #, so that it is in no log; it is used and removed.
function useToken() {
  if (!$("token") || location.hash.length < 2) return;
  $("token").value = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
  $("enter").requestSubmit();
}
useToken();
addEventListener("hashchange", useToken); // a link that is pasted where the page is open already

// The owner's page follows new labels.
const owner = $("owner");
if (owner) {
  setInterval(async () => {
    try {
      const reply = await fetch("/owner/state");
      const said = await reply.json();
      if (String(said.changes) !== owner.dataset.changes) location.reload();
    } catch { /* the server is away; the next look may find it */ }
  }, 3000);
}

// A page that the server could not make now is asked for again.
const retry = $("retry");
if (retry) setTimeout(() => location.assign(retry.href), 5000);
