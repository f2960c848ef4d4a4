// What the parts of the resident's page share: the home it shows, its words, the way to /v1.
export const main = document.getElementById("resident");
export const $ = (id) => document.getElementById(id);
export const words = main ? JSON.parse(main.dataset.words) : {};
export const home = main ? `/v1/households/${encodeURIComponent(main.dataset.home)}` : "";
export const language = document.documentElement.lang;
export const zone = main?.dataset.timezone;

export function word(key, given = {}) {
  return (words[`resident.${key}`] ?? "").replace(/\{(\w+)\}/g, (_, name) => given[name] ?? "");
}
export function clock(at, seconds = false) {
  return new Date(at).toLocaleTimeString(language, { hour12: false, timeZone: zone, hour: "2-digit", minute: "2-digit", ...(seconds && { second: "2-digit" }) });
}
// why something was refused, by the code of the problem; one that asks for more words has none
export function why(error) {
  const said = words[`refusal.${error.problem?.code}`];
  return said && !said.includes("{") ? said : word("failed");
}
export function make(tag, given = {}, ...inside) {
  const element = Object.assign(document.createElement(tag), given);
  element.append(...inside);
  return element;
}
export async function api(method, path, body) {
  const answer = await fetch(home + path, {
    method,
    headers: body && { "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  if (answer.status === 401) location.assign("/login?ended=1");
  if (!answer.ok) throw Object.assign(new Error(answer.status), { status: answer.status, problem: await answer.json().catch(() => ({})) });
  return answer.status === 204 ? null : answer.json();
}
