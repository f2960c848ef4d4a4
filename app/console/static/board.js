// The page's own part of the board: clocks that run, the bell, and the banner that says when the
// picture is old. It trusts nothing but a beat that has just come from the server.
"use strict";
const dg = (() => {
  const LATE_MS = 3000, WARN_EVERY_MS = 8000, words = () => window.dgWords;
  // by priority: how often it repeats until somebody acknowledges, and its tones [hertz, at s, for s]
  const life = [0, 0.7, 1.4].flatMap((at) => [[880, at, 0.28], [660, at + 0.3, 0.28]]);
  const SOUNDS = {
    1: { everyMs: 8000, tones: life },
    2: { everyMs: 20000, tones: [[740, 0, 0.3], [740, 0.45, 0.3]] },
    3: { everyMs: Infinity, tones: [[590, 0, 0.25]] },
  };
  let offsetMs = 0, beatAt = performance.now(), asOfMs = Date.now(), serverMs = 0;
  let ringing = new Map(), stale = false, warnedAt = -Infinity, audio = null;
  const rungAt = {}, muted = new Set();

  // A map that has left the page goes on listening to the window, with all that was drawn on it,
  // until it is told to stop; NiceGUI does not tell it.
  const maps = new Map();
  let leaflet;
  Object.defineProperty(window, "L", {
    configurable: true,
    get: () => leaflet,
    set: (given) => {
      if (given !== leaflet) given.Map.addInitHook(function () { maps.set(this.getContainer(), this); });
      leaflet = given;
    },
  });
  const forgetMaps = () => {
    for (const [place, map] of maps) if (!place.isConnected) {
      maps.delete(place);
      map.off().remove();  // a move that ends later would ask a map that is gone where it is
    }
  };

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
  const ring = (priority) => {
    rungAt[priority] = performance.now();
    for (const one of SOUNDS[priority].tones) tone(...one);
  };
  // the most urgent that nobody has acknowledged or silenced; the others wait for it
  const loudest = () => {
    const loud = [...ringing].filter(([id, priority]) => SOUNDS[priority] && !muted.has(id));
    return loud.length ? Math.min(...loud.map(([, priority]) => priority)) : 0;
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
    if (performance.now() - warnedAt > WARN_EVERY_MS) warn();
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
    const now = loudest();
    if (now && performance.now() - (rungAt[now] ?? -Infinity) > SOUNDS[now].everyMs) ring(now);
    check();
    showSound();
    forgetMaps();
  };

  document.addEventListener("pointerdown", listen, true);
  const typing = (element) =>
    element.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, [contenteditable], .q-dialog, .q-select");
  const cardKey = (event) => {
    const cards = [...document.querySelectorAll(".card")];
    const card = event.target.closest?.(".card");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (card && step) cards[cards.indexOf(card) + step]?.focus();
    else if (event.key === "Escape") (document.querySelector('.card[aria-current="true"]') ?? cards[0])?.focus();
    else if (event.key === "1" && cards[0]) { cards[0].focus(); cards[0].click(); }
    else return false;
    return true;
  };
  const actKey = (event) => {
    const key = event.key.toLowerCase();
    const hands = [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]:not(.door *)`)];
    const hand = hands.find((one) => one.offsetParent !== null && !one.disabled);
    hand?.click();
    return Boolean(hand);
  };
  document.addEventListener("keydown", (event) => {
    listen();
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (cardKey(event) || (event.key.length === 1 && actKey(event))) event.preventDefault();
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
    // [incident, priority] of those that nobody has acknowledged
    ring(incidents) {
      const before = ringing;
      ringing = new Map(incidents);
      for (const id of [...muted]) if (!ringing.has(id)) muted.delete(id);
      const fresh = incidents.filter(([id, priority]) => !(before.get(id) <= priority));
      for (const [id] of fresh) muted.delete(id);
      const most = Math.min(...fresh.map(([, priority]) => priority).filter((p) => SOUNDS[p]));
      if (Number.isFinite(most) && most <= (loudest() || 9)) ring(most);
    },
    // this incident alone, in this window alone, until it alarms again
    mute(incident) { muted.add(incident); },
    choose(cookie, value) {
      document.cookie = `${cookie}=${value}; path=/; max-age=31536000; samesite=strict`;
      location.reload();
    },
    selected(incident) {
      const address = incident ? `/?incident=${incident}` : "/";
      history.replaceState(history.state, "", address);
      if (incident) document.getElementById("detail")?.focus({ preventScroll: true });
    },
  };
})();
window.dg = dg;
