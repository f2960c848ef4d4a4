// The resident's page. It speaks to /v1, as anybody's program may.
import { begin as family } from "./family.js";
import { $, api, clock, home, language, main, make, why, word, words, zone } from "./home_api.js";
import { calling, slide, told } from "./sos.js";

const STALE_MS = 6000;

// how the home stands, as it changes

let heard = performance.now();
let heardAt = new Date();
let wasStale = false;
let standing = null;

function follow() {
  const source = new EventSource(`${home}/changes`);
  const alive = (event) => {
    heard = performance.now();
    heardAt = new Date(JSON.parse(event.data).as_of);
    $("as-of").textContent = word("updated", { at: clock(heardAt, true) });
    if (wasStale) stale(false);
  };
  source.addEventListener("standing", (event) => {
    alive(event);
    show(JSON.parse(event.data));
  });
  source.addEventListener("beat", alive);
  // of several homes another may still be theirs
  source.addEventListener("ended", () => location.assign("several" in main.dataset ? "/home" : "/login?ended=1"));
  source.onerror = () => {
    if (source.readyState !== EventSource.CLOSED) return; // it tries again by itself
    setTimeout(() => api("GET", "/now").then(() => {}, () => {}).finally(follow), 3000);
  };
}
function stale(is) {
  wasStale = is;
  $("stale").hidden = !is;
  document.body.classList.toggle("is-stale", is);
  if (is) $("stale").textContent = word("stale", { at: clock(heardAt, true) });
}
setInterval(() => main && performance.now() - heard > STALE_MS && stale(true), 1000);

function show(now) {
  standing = now;
  const incident = now.incident;
  const over = incident?.closed_at || ["cancelled", "closed", "false_alarm", "test", "duplicate"].includes(incident?.state);
  const card = document.querySelector(".standing");
  card.dataset.kind = incident && !over ? "alarm" : "";
  $("standing-title").textContent = incident ? words[`kind.${incident.kind}`] ?? incident.kind : word("well");
  $("steps").hidden = !incident;
  if (incident) $("steps").replaceChildren(...steps(incident, over));
  const open = incident && !over;
  if ($("cancel")) $("cancel").hidden = !open;
  if (open && incident.kind === "sos") told("");
  $("devices").replaceChildren(...now.devices.flatMap(trouble));
  showMode(now);
}
function steps(incident, over) {
  const step = (text, at, more) => {
    const line = make("li", {}, make("b", { textContent: text }), make("span", { textContent: more ?? (at ? word("step.done", { at: clock(at) }) : word("step.waiting")) }));
    if (at) line.dataset.done = "";
    return line;
  };
  const lines = [step(word("step.received"), incident.received_at, word("step.done", { at: clock(incident.received_at, true) }))];
  if (incident.accepted_at) {
    lines.push(step(word("step.accepted", { who: incident.responder ?? "" }), incident.accepted_at));
    if (!over || incident.departed_at) lines.push(step(word("step.en_route"), incident.departed_at, eta(incident)));
    if (!over || incident.arrived_at) lines.push(step(word("step.arrived"), incident.arrived_at));
  } else if (!over) lines.push(step(word("step.asking"), null));
  if (over) lines.push(step(word(incident.state === "cancelled" ? "cancelled" : "ended", { at: incident.closed_at ? clock(incident.closed_at) : "" }), incident.closed_at ?? incident.opened_at, ""));
  return lines;
}
function eta(incident) {
  if (incident.arrived_at || incident.eta_s == null) return undefined;
  const at = Date.parse(incident.accepted_at) + incident.eta_s * 1000;
  return at > heardAt ? word("step.eta", { at: clock(at) }) : word("step.eta.late");
}
function trouble(device) {
  const name = word(device.kind === "camera" ? "camera" : "button");
  if (device.online === false) return [make("li", { textContent: word("device.away", { device: name }) })];
  if (device.battery_percent !== null && device.battery_percent <= 15) return [make("li", { textContent: word("device.battery", { device: name, percent: device.battery_percent }) })];
  return [];
}

// the mode

function showMode(now) {
  if (!$("mode")) return;
  const chosen = $("mode").querySelector(`[value="${now.mode}"]`);
  chosen.checked = true;
  $("until").hidden = now.mode !== "holiday";
  if (now.mode_until) $("mode-answer").textContent = word("mode.back", { at: new Date(now.mode_until).toLocaleDateString(language, { timeZone: zone }) });
}
async function setMode() {
  const mode = $("mode").querySelector(":checked").value;
  const day = $("until").querySelector("input").value;
  $("until").hidden = mode !== "holiday";
  const until = mode === "holiday" && day ? new Date(`${day}T12:00`).toISOString() : null;
  try {
    show(await api("PUT", "/mode", { mode, until }));
    $("mode-answer").textContent = until ? word("mode.back", { at: new Date(until).toLocaleDateString(language, { timeZone: zone }) }) : word("mode.set");
  } catch (error) {
    if (standing) showMode(standing);
    $("mode-answer").textContent = why(error);
  }
}

// the call for help

async function cancelCall(event) {
  event.preventDefault();
  const form = event.target;
  const answer = form.querySelector(".answer");
  try {
    await api("POST", `/incidents/${standing.incident.incident_id}/cancel`, { word: form.word.value });
    answer.textContent = "";
    $("cancel").open = false;
    show(await api("GET", "/now"));
  } catch (error) {
    answer.textContent = why(error);
  }
  form.reset();
}

// the door's day

let day = 0;
async function showDay() {
  const at = new Date(Date.now() + day * 86400000);
  const iso = new Intl.DateTimeFormat("en-CA", { timeZone: zone }).format(at);
  $("day-name").textContent = day === 0 ? word("day.today") : at.toLocaleDateString(language, { timeZone: zone, weekday: "short", month: "short", day: "numeric" });
  document.querySelector('[data-day="1"]').disabled = day === 0;
  try {
    const found = await api("GET", `/door?day=${iso}`);
    const lines = found.items.reverse().map(passage);
    $("passages").replaceChildren(...(lines.length ? lines : [make("li", { className: "dim none", textContent: word("day.none") })]));
  } catch {
    $("passages").replaceChildren(make("li", { className: "dim none", textContent: word("failed") }));
  }
}
function passage(line) {
  const key = line.what === "came" && !line.who ? "passed.came.somebody" : `passed.${line.what}`;
  const text = make("div", {}, make("b", { textContent: word(key, { who: line.who }) }));
  const more = [];
  if (line.method) more.push(word(`method.${line.method}`) || line.method);
  if (line.what === "stayed" && line.until) more.push(word("passed.for", { time: span(Date.parse(line.until) - Date.parse(line.at)) }));
  if (more.length) text.append(make("small", { textContent: more.join(" · ") }));
  const item = make("li", {}, make("time", { dateTime: line.at, textContent: clock(line.at) }), text);
  if (["stayed", "forced"].includes(line.what)) item.dataset.kind = "bad";
  return item;
}
function span(ms) {
  const s = Math.round(ms / 1000);
  return new Intl.NumberFormat(language, { style: "unit", unit: s < 90 ? "second" : "minute", unitDisplay: "long" }).format(s < 90 ? s : Math.round(s / 60));
}

// who looked

async function showLooks() {
  const mine = $("mine").checked;
  try {
    const found = (await api("GET", "/views?limit=200")).items.filter((look) => mine || look.actor !== main.dataset.me);
    const lines = found.slice(0, 60).map(look);
    $("views").replaceChildren(...(lines.length ? lines : [make("li", { className: "dim none", textContent: word("looks.none") })]));
  } catch {
    $("views").replaceChildren(make("li", { className: "dim none", textContent: word("failed") }));
  }
}
function look(line) {
  const who = line.actor === main.dataset.me ? word("looks.me") : line.actor;
  const reason = line.detail.reason ?? "";
  const why = [word(`why.${reason.replace(/ /g, "_")}`) || reason, line.detail.stated].filter(Boolean).join(": ");
  const what = word(`look.${line.action}`, { command: line.detail.command ?? "" }) || line.action;
  return make(
    "li",
    {},
    make("time", { dateTime: line.at, textContent: new Date(line.at).toLocaleString(language, { timeZone: zone, month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false }) }),
    make("div", {}, make("b", { textContent: `${who} · ${what}` }), make("small", { textContent: why })),
  );
}

// beginning

function remember(name, value) {
  document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax`;
  location.reload();
}
document.querySelector("[data-language]").addEventListener("click", (event) => remember("doorguard_language", event.currentTarget.dataset.language));
document.querySelector("[data-theme-turn]").addEventListener("click", () => remember("doorguard_theme", document.documentElement.dataset.theme === "light" ? "dark" : "light"));
document.querySelectorAll(".homes a").forEach((link) =>
  link.addEventListener("click", (event) => {
    if (!calling()) return;
    event.preventDefault(); // a call that is not sent yet would be given up
    told(word("sos.stay", { home: main.dataset.named }), { call: true });
  }),
);
if (main) {
  follow();
  slide(home, word, clock, main.dataset.named);
  $("mode")?.addEventListener("change", setMode);
  $("until")?.addEventListener("change", setMode);
  $("cancel")?.querySelector("form").addEventListener("submit", cancelCall);
  document.querySelectorAll("[data-day]").forEach((button) =>
    button.addEventListener("click", () => {
      day = Math.min(0, day + Number(button.dataset.day));
      showDay();
    }),
  );
  $("mine")?.addEventListener("change", showLooks);
  if ($("passages")) showDay();
  if ($("views")) showLooks();
  if ($("guardians")) family();
  let events = null;
  setInterval(() => {
    // something happened at the door: its day is read again, while today is shown
    if (!standing || standing.last_event_at === events) return;
    if (events !== null && day === 0 && $("passages")) showDay();
    events = standing.last_event_at;
  }, 1000);
}
