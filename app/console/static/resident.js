// The resident's page. It speaks to /v1, as anybody's program may.
import { slide, told } from "./sos.js";

const STALE_MS = 6000;
const main = document.getElementById("resident");
const $ = (id) => document.getElementById(id);
const words = main ? JSON.parse(main.dataset.words) : {};
const home = main ? `/v1/households/${encodeURIComponent(main.dataset.home)}` : "";
const language = document.documentElement.lang;
const zone = main?.dataset.timezone;

function word(key, given = {}) {
  return (words[`resident.${key}`] ?? "").replace(/\{(\w+)\}/g, (_, name) => given[name] ?? "");
}
function clock(at, seconds = false) {
  return new Date(at).toLocaleTimeString(language, { hour12: false, timeZone: zone, hour: "2-digit", minute: "2-digit", ...(seconds && { second: "2-digit" }) });
}
// why something was refused, by the code of the problem; one that asks for more words has none
function why(error) {
  const said = words[`refusal.${error.problem?.code}`];
  return said && !said.includes("{") ? said : word("failed");
}
function make(tag, given = {}, ...inside) {
  const element = Object.assign(document.createElement(tag), given);
  element.append(...inside);
  return element;
}
async function api(method, path, body) {
  const answer = await fetch(home + path, {
    method,
    headers: body && { "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  if (answer.status === 401) location.assign("/login?ended=1");
  if (!answer.ok) throw Object.assign(new Error(answer.status), { status: answer.status, problem: await answer.json().catch(() => ({})) });
  return answer.status === 204 ? null : answer.json();
}

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
  source.addEventListener("ended", () => location.assign("/login?ended=1"));
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

// guardians

async function showFamily() {
  try {
    const { items } = await api("GET", "/guardians");
    $("guardians").replaceChildren(...(items.length ? items.map(guardian) : [make("li", { className: "dim", textContent: word("family.none") })]));
  } catch {
    $("family-answer").textContent = word("failed");
  }
}
function guardian(one) {
  const boxes = ["look", "talk", "history", "alarms"].map((right) => {
    const box = make("input", { type: "checkbox", checked: one.rights.includes(right), value: right });
    return make("label", { className: "check" }, box, word(`right.${right}`));
  });
  const remove = make("button", { type: "button", textContent: word("family.remove", { name: one.name }) });
  const item = make("li", {}, make("b", { textContent: one.name }), make("span", { className: "dim", textContent: ` ${[one.relation, one.phone, one.user_id].filter(Boolean).join(" · ")}` }), ...boxes, remove);
  item.addEventListener("change", async () => {
    const rights = [...item.querySelectorAll(":checked")].map((box) => box.value);
    await act(() => api("PUT", `/guardians/${one.user_id}`, { rights }), word("saved"));
  });
  let sure = false;
  remove.addEventListener("click", async () => {
    if (!sure) {
      sure = true;
      remove.textContent = word("family.sure", { name: one.name });
      remove.classList.add("stop");
      return;
    }
    await act(() => api("DELETE", `/guardians/${one.user_id}`), word("family.removed", { name: one.name }));
    showFamily();
  });
  return item;
}
async function act(work, said) {
  try {
    const result = await work();
    $("family-answer").textContent = said;
    return result;
  } catch (error) {
    $("family-answer").textContent = why(error);
    return undefined;
  }
}
async function nameGuardian(event) {
  event.preventDefault();
  const form = event.target;
  const given = Object.fromEntries(new FormData(form));
  given.rights = new FormData(form).getAll("rights");
  const made = await act(() => api("POST", "/guardians", given), "");
  if (!made) return;
  form.reset();
  form.closest("details").open = false;
  $("secret").hidden = false;
  $("secret").replaceChildren(
    make("p", { textContent: word("family.password", { name: made.name }) }),
    make("span", { textContent: word("family.user") }),
    make("code", { textContent: made.user_id }),
    make("span", { textContent: word("family.secret") }),
    make("code", { textContent: made.password }),
  );
  showFamily();
}

// beginning

function remember(name, value) {
  document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax`;
  location.reload();
}
document.querySelector("[data-language]").addEventListener("click", (event) => remember("doorguard_language", event.currentTarget.dataset.language));
document.querySelector("[data-theme-turn]").addEventListener("click", () => remember("doorguard_theme", document.documentElement.dataset.theme === "light" ? "dark" : "light"));
if (main) {
  follow();
  slide(home, word, clock);
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
  $("name-guardian")?.addEventListener("submit", nameGuardian);
  if ($("passages")) showDay();
  if ($("views")) showLooks();
  if ($("guardians")) showFamily();
  let events = null;
  setInterval(() => {
    // something happened at the door: its day is read again, while today is shown
    if (!standing || standing.last_event_at === events) return;
    if (events !== null && day === 0 && $("passages")) showDay();
    events = standing.last_event_at;
  }, 1000);
}
