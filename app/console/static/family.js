// Guardians: named by the residents, limited and removed by them.
import { $, api, make, why, word } from "./home_api.js";

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
  given.user_id = given.user_id.trim() || null;
  const made = await act(() => api("POST", "/guardians", given), "");
  if (!made) return;
  form.reset();
  form.closest("details").open = false;
  showFamily();
  $("secret").hidden = !made.password;
  if (!made.password) {
    $("family-answer").textContent = word("family.joined", { name: made.name });
    return;
  }
  $("secret").replaceChildren(
    make("p", { textContent: word("family.password", { name: made.name }) }),
    make("span", { textContent: word("family.user") }),
    make("code", { textContent: made.user_id }),
    make("span", { textContent: word("family.secret") }),
    make("code", { textContent: made.password }),
  );
}

export function begin() {
  $("name-guardian").addEventListener("submit", nameGuardian);
  showFamily();
}
