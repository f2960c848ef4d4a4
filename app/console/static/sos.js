// The call for help: a slide, or two presses; sent until it is answered, and honest as long as it is not.
const SOS_TRY_MS = 4000;

export function told(text, { call = false } = {}) {
  const box = document.getElementById("sos-told");
  if (!box) return;
  box.hidden = !text;
  box.textContent = text;
  document.querySelector(".sos .call").hidden = !call;
}

let sending = false;
// Whether a call is on its way and not answered yet.
export function calling() {
  return sending;
}
async function callForHelp(home, word, clock, name) {
  if (sending) return;
  sending = true;
  // whoever has several homes, or lives in none of them, reads each time which one help is called for
  const say = (text, how) => told(name ? `${name}: ${text}` : text, how);
  const key = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  say(word("sos.sending"));
  for (let attempt = 1; ; attempt++) {
    // one call, however often it is sent: the key is the same
    const given = new AbortController();
    const timer = setTimeout(() => given.abort(), SOS_TRY_MS);
    try {
      const answer = await fetch(`${home}/sos`, { method: "POST", headers: { "Idempotency-Key": key }, signal: given.signal });
      if (answer.ok) {
        const receipt = await answer.json();
        say(`${word("step.received")} · ${clock(receipt.event_at, true)}`);
        document.body.dataset.sos = "received";
        navigator.vibrate?.([200, 100, 200]);
        break;
      }
      if ([401, 403, 404].includes(answer.status)) {
        say(word("sos.refused"), { call: true });
        break;
      }
    } catch {
      // no network, no answer in time: again
    } finally {
      clearTimeout(timer);
    }
    say(word("sos.trying", { n: attempt }), { call: true });
    await new Promise((wait) => setTimeout(wait, Math.min(500 * attempt, 3000)));
  }
  sending = false;
}

// Lets the thumb be drawn over its way, or its key be pressed twice: then help is called, once.
export function slide(home, word, clock, name) {
  const call = () => callForHelp(home, word, clock, name);
  const track = document.querySelector(".track");
  if (!track) return;
  const thumb = track.querySelector(".thumb");
  let from = null;
  const way = () => track.clientWidth - thumb.offsetWidth - 8;
  const move = (x) => (thumb.style.transform = `translateX(${x}px)`);
  track.addEventListener("pointerdown", (event) => {
    from = event.clientX;
    track.classList.remove("back");
    track.setPointerCapture(event.pointerId);
  });
  track.addEventListener("pointermove", (event) => from !== null && move(Math.max(0, Math.min(way(), event.clientX - from))));
  const end = (event) => {
    if (from === null) return;
    const far = event.type === "pointerup" && event.clientX - from >= way() * 0.85;
    from = null;
    track.classList.add("back");
    move(0);
    if (far) call();
  };
  track.addEventListener("pointerup", end);
  track.addEventListener("pointercancel", end);
  const key = document.querySelector(".sos-key");
  let timer;
  const disarm = () => {
    key.classList.remove("armed");
    key.textContent = key.dataset.idle;
  };
  key.addEventListener("click", () => {
    clearTimeout(timer);
    if (key.classList.contains("armed")) {
      disarm();
      call();
      return;
    }
    key.classList.add("armed");
    key.textContent = key.dataset.again;
    timer = setTimeout(disarm, 5000);
  });
}
