// The responder's page stays true by itself, and shares the position once its owner has said so.
"use strict";
(() => {
  const page = document.getElementById("page");
  const api = `/v1/pages/${page.dataset.token}`;
  const LOOK_MS = 5000, TELL_MS = 10000;
  let dirty = false;
  history.replaceState(null, "", location.pathname);  // why an answer was refused is told once
  document.addEventListener("input", () => { dirty = true; });

  async function look() {
    if (dirty || document.hidden) return;
    try {
      const answer = await fetch(api, { cache: "no-store" });
      if (answer.status === 410 || answer.status === 403) return location.reload();
      if (!answer.ok) return;
      const now = await answer.json();
      if (now.state !== page.dataset.state || now.incident_state !== page.dataset.incident) location.reload();
    } catch { /* no connection: the next look */ }
  }
  setInterval(look, LOOK_MS);
  document.addEventListener("visibilitychange", look);

  const left = document.querySelector("[data-deadline]");
  if (left) {
    const show = () => {
      const minutes = Math.ceil((Number(left.dataset.deadline) - Date.now()) / 60000);
      left.textContent = minutes > 0 ? left.dataset.minutes.replace("{n}", minutes) : left.dataset.over;
      left.classList.toggle("late", minutes <= 3);
    };
    show();
    setInterval(show, 5000);
  }

  const section = document.querySelector(".sharing");
  if (!section || !navigator.geolocation) return;
  const said = section.querySelector("p"), button = section.querySelector("button");
  let watch = null, toldAt = 0;
  section.hidden = false;

  function shown(on, said_instead = "") {
    section.classList.toggle("on", on);
    said.textContent = said.dataset[said_instead || (on ? "on" : "off")];
    button.textContent = on ? button.dataset.stop : button.dataset.start;
  }
  function stop() {
    if (watch !== null) navigator.geolocation.clearWatch(watch);
    watch = null;
    shown(false);
  }
  async function tell(here) {
    if (watch === null || Date.now() - toldAt < TELL_MS) return;
    toldAt = Date.now();
    const { latitude: lat, longitude: lon, accuracy } = here.coords;
    try {
      const answer = await fetch(`${api}/position`, {
        method: "POST", headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ lat, lon, accuracy_m: Math.min(accuracy, 10000) }),
      });
      if (answer.status >= 400 && answer.status < 500) return stop();  // the job is over
      if (watch !== null) shown(true, answer.ok ? "" : "away");
    } catch { toldAt = 0; }
  }
  function begin() {
    watch = navigator.geolocation.watchPosition(tell, async (error) => {
      if (error.code !== error.PERMISSION_DENIED) return;
      stop();
      await fetch(`${api}/sharing`, { method: "DELETE" });
      shown(false, "refused");
    }, { enableHighAccuracy: true, maximumAge: 5000 });
    shown(true);
  }
  button.addEventListener("click", async () => {
    if (watch === null) {
      const answer = await fetch(`${api}/sharing`, { method: "POST" });
      if (answer.ok) begin(); else if (answer.status >= 500) shown(false, "away");
    } else {
      stop();
      await fetch(`${api}/sharing`, { method: "DELETE" });
    }
  });
  if (page.dataset.sharing) begin(); else shown(false);
})();
