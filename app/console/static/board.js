// The page's own part of the board: clocks that run, the bell, and the banner that says when the
// picture is old. It trusts nothing but a beat that has just come from the server.
"use strict";
const dg = (() => {
  const LATE_MS = 3000, RING_EVERY_MS = 8000, words = () => window.dgWords;
  let offsetMs = 0, beatAt = performance.now(), asOfMs = Date.now(), serverMs = 0;
  let ringing = [], rungAt = -Infinity, stale = false, warnedAt = -Infinity, audio = null;

  const serverNow = () => Date.now() + offsetMs;
  const two = (n) => String(n).padStart(2, "0");
  const elapsed = (ms) => {
    const s = Math.max(0, Math.floor(ms / 1000));
    const hours = Math.floor(s / 3600), minutes = Math.floor(s / 60) % 60;
    return hours ? `${hours}:${two(minutes)}:${two(s % 60)}` : `${minutes}:${two(s % 60)}`;
  };
  const clock = (ms) => new Intl.DateTimeFormat("en-GB", {
    timeZone: words().timezone, hour: "2-digit", minute: "2-digit", second: "2-digit",
  }).format(ms);

  const tone = (hertz, at, seconds) => {
    if (!audio || audio.state !== "running") return;
    const source = audio.createOscillator(), volume = audio.createGain();
    const start = audio.currentTime + at;
    source.type = "square";
    source.frequency.value = hertz;
    volume.gain.setValueAtTime(0.0001, start);
    volume.gain.linearRampToValueAtTime(0.25, start + 0.02);
    volume.gain.setValueAtTime(0.25, start + seconds - 0.03);
    volume.gain.linearRampToValueAtTime(0.0001, start + seconds);
    source.connect(volume).connect(audio.destination);
    source.start(start);
    source.stop(start + seconds);
  };
  const ring = () => {
    rungAt = performance.now();
    for (let i = 0; i < 3; i++) { tone(880, i * 0.7, 0.28); tone(660, i * 0.7 + 0.3, 0.28); }
  };
  const warn = () => { warnedAt = performance.now(); tone(440, 0, 0.5); tone(330, 0.55, 0.5); };

  const listen = () => {
    audio ??= new AudioContext();
    if (audio.state !== "running") audio.resume();
  };
  const showSound = () => {
    const chip = document.getElementById("sound");
    if (!chip) return;
    const on = audio !== null && audio.state === "running";
    const text = on ? words().soundOn : words().soundOff;
    if (chip.textContent !== text) chip.textContent = text;
    chip.classList.toggle("off", !on);
  };

  const banner = () => {
    let element = document.getElementById("stale");
    if (!element) {
      element = document.createElement("div");
      element.id = "stale";
      element.setAttribute("role", "alert");
      document.body.append(element);
    }
    return element;
  };
  const check = () => {
    const late = performance.now() - beatAt > LATE_MS;
    const old = serverMs > 0 && serverMs - asOfMs > LATE_MS;
    stale = late || old;
    banner().classList.toggle("shown", stale);
    document.body.classList.toggle("stale", stale);
    if (!stale) { if (banner().textContent) banner().textContent = ""; return; }
    const text = (late ? words().stale : words().staleDatabase).replace("{at}", clock(asOfMs));
    if (banner().textContent !== text) banner().textContent = text;
    if (performance.now() - warnedAt > RING_EVERY_MS) warn();
  };
  const count = (elements) => {
    for (const element of document.querySelectorAll(elements)) {
      const text = elapsed(serverNow() - Number(element.dataset.since));
      if (element.textContent !== text) element.textContent = text;
    }
  };
  const write = (id, text) => {
    const element = document.getElementById(id);
    if (element && element.textContent !== text) element.textContent = text;
  };
  const tick = () => {
    count("[data-since]");
    if (!stale && serverMs) {
      write("time", clock(serverNow()));
      write("as-of", clock(asOfMs));
    }
    if (ringing.length && performance.now() - rungAt > RING_EVERY_MS) ring();
    check();
    showSound();
  };

  document.addEventListener("pointerdown", listen, true);
  document.addEventListener("keydown", (event) => {
    listen();
    const card = event.target.closest?.(".card");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!card || !step) return;
    const cards = [...document.querySelectorAll(".card")];
    cards[cards.indexOf(card) + step]?.focus();
    event.preventDefault();
  }, true);
  document.addEventListener("visibilitychange", tick);
  window.addEventListener("DOMContentLoaded", () => {
    listen();
    tick();
    setInterval(tick, 200);
    // what was just drawn shows its time before it is painted
    new MutationObserver(() => count("[data-since]:empty"))
      .observe(document.body, { childList: true, subtree: true });
  });

  return {
    // both in milliseconds since the epoch by the server's clock; asOf is when it last read
    beat(server, asOf) {
      offsetMs = server - Date.now();
      serverMs = server;
      asOfMs = asOf;
      beatAt = performance.now();
      tick();
    },
    // incidents of the first class that nobody has acknowledged
    ring(incidents) {
      const fresh = incidents.some((id) => !ringing.includes(id));
      ringing = incidents;
      if (fresh) ring();
    },
    selected(incident) {
      const address = incident ? `/?incident=${incident}` : "/";
      history.replaceState(history.state, "", address);
      if (incident) document.getElementById("detail")?.focus({ preventScroll: true });
    },
  };
})();
window.dg = dg;
