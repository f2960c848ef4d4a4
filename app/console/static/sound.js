// Signing in: whether this browser lets the board ring. Told before the night begins, not in it.
"use strict";
const test = document.getElementById("sound-test"), said = document.getElementById("sound-said");
const tell = (fine) => {
  said.textContent = fine ? test.dataset.fine : test.dataset.blocked;
  said.classList.toggle("problem", !fine);
};
const play = async () => {
  try {
    const audio = new AudioContext();
    await Promise.race([audio.resume(), new Promise((done) => setTimeout(done, 1000))]);
    if (audio.state !== "running") return tell(false);
    const tone = audio.createOscillator(), volume = audio.createGain();
    volume.gain.value = 0.15;
    tone.frequency.value = 660;
    tone.connect(volume).connect(audio.destination);
    tone.start();
    tone.stop(audio.currentTime + 0.25);
    tell(true);
  } catch {
    tell(false);
  }
};
test.addEventListener("click", play);
// typing a name is a gesture: after it the browser must let sound through, or says so here
document.querySelector("form").addEventListener("change", async () => {
  const audio = window.AudioContext ? new AudioContext() : null;
  await Promise.race([audio?.resume(), new Promise((done) => setTimeout(done, 1000))]);
  if (audio?.state !== "running") tell(false);
  audio?.close();
}, { once: true });

// a board stood here: whoever waits for its alarms hears that none will come, until they are back
if (document.querySelector(".off")) {
  const EVERY_MS = 8000, warning = [[440, 0], [330, 0.55]];
  const warn = () => {
    const audio = new AudioContext();
    for (const [hertz, at] of warning) {
      const tone = audio.createOscillator(), volume = audio.createGain();
      tone.type = "square";
      tone.frequency.value = hertz;
      volume.gain.value = 0.2;
      tone.connect(volume).connect(audio.destination);
      tone.start(audio.currentTime + at);
      tone.stop(audio.currentTime + at + 0.5);
    }
    setTimeout(() => audio.close(), 2000);
  };
  warn();
  const again = setInterval(warn, EVERY_MS);
  const back = () => clearInterval(again);
  for (const sign of ["keydown", "pointerdown"]) document.addEventListener(sign, back, { once: true });
}
