// A door from afar: the live view, a picture taken now, a talk, siren and light. Serves every
// <section class="door" data-home data-device data-words>, also those that are put into the page later.
const FRAME_LATE_MS = 3000;

class Door {
  constructor(box) {
    this.box = box;
    this.words = JSON.parse(box.dataset.words);
    this.canvas = box.querySelector("canvas");
    this.video = box.querySelector("video");
    this.status = box.querySelector("[data-status]");
    this.veil = box.querySelector("[data-veil]");
    this.base = `/v1/households/${encodeURIComponent(box.dataset.home)}/devices/${encodeURIComponent(box.dataset.device)}`;
    box.addEventListener("click", (event) => {
      const button = event.target.closest("[data-do]");
      if (button && this[button.dataset.do]) this[button.dataset.do](button);
    });
    this.watch = setInterval(() => this.tick(), 500);
    this.show("idle");
  }
  word(key, given = {}) {
    return (this.words[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => given[name] ?? "");
  }
  say(key, given, kind = "") {
    this.status.textContent = this.word(key, given);
    this.status.dataset.kind = kind;
  }
  why(code) {
    const key = `door.ended.${String(code).replace(/[^a-z]+/gi, "_").toLowerCase()}`;
    return this.words[key] ? key : "door.ended.other";
  }
  show(state) {
    this.box.dataset.state = state;
    for (const button of this.box.querySelectorAll("[data-do]"))
      button.hidden = !(button.dataset.when ?? "idle live talk").split(" ").includes(state);
    this.canvas.hidden = state === "talk";
    this.video.hidden = state !== "talk";
  }
  reason() {
    return this.box.querySelector("[data-reason]")?.value.trim() ?? "";
  }
  open(what) {
    return new WebSocket(`${location.origin.replace(/^http/, "ws")}${this.base}/${what}`);
  }
  leave() {
    this.stop();
    this.hangup();
    clearInterval(this.watch);
  }

  // looking

  live() {
    this.hangup();
    this.stop();
    const began = performance.now();
    const socket = (this.looking = this.open("live"));
    socket.binaryType = "arraybuffer";
    this.shown = 0;
    this.drawing = false;
    this.last = performance.now();
    this.until = null;
    this.show("live");
    this.say("door.starting");
    socket.onopen = () => socket.send(JSON.stringify({ reason: this.reason(), rate_fps: 10 }));
    socket.onmessage = async ({ data }) => {
      if (typeof data === "string") return this.told(socket, JSON.parse(data));
      this.last = performance.now();
      if (this.drawing) return; // one at a time: a slow screen misses pictures
      this.drawing = true;
      try {
        const picture = await createImageBitmap(new Blob([new Uint8Array(data, 12)], { type: "image/jpeg" }));
        if (this.looking !== socket) return;
        this.draw(picture);
        if (!this.shown++) this.box.dataset.firstMs = Math.round(performance.now() - began);
        this.box.dataset.shown = this.shown;
      } catch {
        this.box.dataset.broken = Number(this.box.dataset.broken ?? 0) + 1; // a picture that is none
      } finally {
        this.drawing = false;
      }
    };
    socket.onclose = () => {
      if (this.looking === socket) this.over("unavailable");
    };
  }
  draw(picture) {
    if (this.canvas.width !== picture.width || this.canvas.height !== picture.height)
      Object.assign(this.canvas, { width: picture.width, height: picture.height });
    this.canvas.getContext("2d").drawImage(picture, 0, 0);
    picture.close();
    this.veil.hidden = true;
  }
  told(socket, message) {
    if (this.looking !== socket) return;
    if (message.live) this.until = performance.now() + message.left_s * 1000;
    if (message.ended) this.over(message.ended);
  }
  over(code) {
    const socket = this.looking;
    this.looking = null;
    socket?.close();
    this.show("idle");
    this.veil.hidden = false; // what is no longer live must not look so
    this.veil.textContent = this.word("door.paused");
    this.say(this.why(code), {}, code === "time" ? "" : "bad");
  }
  more() {
    this.looking?.send(JSON.stringify({ more: true }));
  }
  stop() {
    if (this.looking) this.over("left");
  }
  tick() {
    if (!this.looking) return;
    const late = performance.now() - this.last;
    this.box.classList.toggle("late", late > FRAME_LATE_MS);
    if (late > FRAME_LATE_MS) this.say("door.late", { s: Math.round(late / 1000) }, "bad");
    else if (this.shown && this.until) this.say("door.live", { s: Math.max(0, Math.round((this.until - performance.now()) / 1000)) }, "good");
  }
  async snapshot() {
    this.say("door.starting");
    const why = this.reason() ? `?reason=${encodeURIComponent(this.reason())}` : "";
    try {
      const answer = await fetch(`${this.base}/snapshot${why}`);
      if (!answer.ok) return this.refused(await answer.json());
      this.draw(await createImageBitmap(await answer.blob()));
      const at = new Date(Number(answer.headers.get("X-Captured-At")) / 1000);
      this.say("door.snapshot.at", { at: at.toLocaleTimeString(document.documentElement.lang, { hour12: false }) });
    } catch {
      this.say("door.ended.unavailable", {}, "bad");
    }
  }
  refused(problem) {
    const code = problem.type?.split(":").pop().replace("device-", "") ?? "";
    const known = { refused: "denied", "not-found": "not_found", unauthorized: "signed_out" };
    const device = problem.type?.includes("device-");
    this.say(this.why(device ? code : known[code] ?? "unavailable"), {}, "bad");
  }

  // telling the device

  async command(button) {
    const { type, data } = button.dataset;
    this.say("door.command.sent");
    try {
      const answer = await fetch(`/v1/devices/${encodeURIComponent(this.box.dataset.device)}/commands`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ type, data: JSON.parse(data ?? "{}"), reason: this.reason() }),
      });
      if (!answer.ok) return this.refused(await answer.json());
      this.say(`door.done.${type.replace(".", "_")}`, {}, "good");
    } catch {
      this.say("door.ended.unavailable", {}, "bad");
    }
  }

  // talking

  async talk() {
    this.stop();
    this.hangup();
    const began = performance.now();
    const talk = (this.talking = { began, meters: [] });
    this.show("talk");
    this.say("door.talk.microphone");
    if (!navigator.mediaDevices?.getUserMedia) return this.ended(talk, "insecure");
    const socket = (talk.socket = this.open("talk"));
    socket.onclose = () => this.ended(talk, "unavailable");
    socket.onmessage = ({ data }) => this.signalled(talk, JSON.parse(data));
    socket.onopen = () => socket.send(JSON.stringify({ reason: this.reason() }));
    try {
      talk.microphone = await navigator.mediaDevices.getUserMedia({
        audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
      });
    } catch {
      return this.ended(talk, "no_microphone");
    }
    if (this.talking !== talk) return this.silence(talk);
    this.say("door.talk.calling");
    if (talk.servers) this.offer(talk);
  }
  signalled(talk, message) {
    if (this.talking !== talk) return;
    if (message.ice_servers) {
      talk.servers = message.ice_servers;
      if (talk.microphone) this.offer(talk);
    }
    if (message.answer) talk.peer.setRemoteDescription({ type: "answer", sdp: message.answer });
    if (message.ended) this.ended(talk, message.ended);
  }
  async offer(talk) {
    const peer = (talk.peer = new RTCPeerConnection({ iceServers: talk.servers }));
    for (const track of talk.microphone.getTracks()) peer.addTrack(track, talk.microphone);
    peer.addTransceiver("video", { direction: "recvonly" });
    const heard = new MediaStream();
    peer.ontrack = ({ track }) => {
      heard.addTrack(track);
      this.video.srcObject = heard;
      this.video.play().catch(() => {}); // a browser that wants a click first shows its own control
      if (track.kind === "audio") this.meter(talk, "heard", new MediaStream([track]));
    };
    this.meter(talk, "said", talk.microphone);
    peer.onicecandidate = ({ candidate }) => {
      if (!candidate || talk.socket.readyState !== WebSocket.OPEN || !talk.offered) return;
      talk.socket.send(JSON.stringify({ candidate: candidate.candidate, sdp_mid: candidate.sdpMid, sdp_mline_index: candidate.sdpMLineIndex }));
    };
    peer.onconnectionstatechange = () => {
      if (peer.connectionState === "connected") {
        talk.since = performance.now();
        this.box.dataset.talkMs = Math.round(talk.since - talk.began);
      }
      if (["failed", "closed"].includes(peer.connectionState)) this.ended(talk, "connection_lost");
    };
    await peer.setLocalDescription();
    await new Promise((ready) => {
      // most ways are found at once; the others follow one by one
      const timer = setTimeout(ready, 150);
      peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && (clearTimeout(timer), ready());
    });
    if (this.talking !== talk || talk.socket.readyState !== WebSocket.OPEN) return;
    talk.offered = true;
    talk.socket.send(JSON.stringify({ offer: peer.localDescription.sdp }));
  }
  meter(talk, name, stream) {
    talk.sound ??= new AudioContext();
    const ear = talk.sound.createAnalyser();
    talk.sound.createMediaStreamSource(stream).connect(ear);
    const samples = new Float32Array(ear.fftSize);
    const bar = this.box.querySelector(`[data-meter="${name}"]`);
    let loudest = 0;
    talk.meters.push(setInterval(() => {
      ear.getFloatTimeDomainData(samples);
      const level = Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length);
      loudest = Math.max(loudest, level);
      this.box.dataset[name] = loudest.toFixed(4);
      if (bar) bar.value = Math.min(1, level * 4);
      if (name === "heard" && level > 0.01 && !this.box.dataset.heardMs)
        this.box.dataset.heardMs = Math.round(performance.now() - talk.began);
      if (name === "said" && talk.since)
        this.say("door.talk.on", { time: minutes(performance.now() - talk.since) }, "good");
    }, 100));
  }
  hangup() {
    if (this.talking) this.ended(this.talking, "left");
  }
  ended(talk, code) {
    if (this.talking !== talk) return;
    this.talking = null;
    this.silence(talk);
    delete this.box.dataset.heardMs;
    this.show("idle");
    this.say(this.why(code), {}, ["left", "hung up"].includes(code) ? "" : "bad");
  }
  silence(talk) {
    talk.meters.forEach(clearInterval);
    talk.sound?.close();
    talk.peer?.close();
    talk.microphone?.getTracks().forEach((track) => track.stop());
    if (talk.socket) {
      talk.socket.onclose = null;
      talk.socket.close();
    }
    this.video.srcObject = null;
  }
}

function minutes(ms) {
  const s = Math.floor(ms / 1000);
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}

const doors = new Map();

function adopt() {
  for (const [box, door] of doors)
    if (!box.isConnected) {
      door.leave();
      doors.delete(box);
    }
  for (const box of document.querySelectorAll("section.door")) if (!doors.has(box)) doors.set(box, new Door(box));
}

// One key each, where nothing is being typed.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest?.("input, textarea, select, [contenteditable]")) return;
  for (const box of doors.keys()) {
    const buttons = [...box.querySelectorAll("[data-key]")];
    const button = buttons.find((one) => !one.hidden && one.dataset.key === event.key.toLowerCase());
    if (!button) continue;
    event.preventDefault();
    button.click();
    return;
  }
});
window.addEventListener("pagehide", () => doors.forEach((door) => door.leave()));
new MutationObserver(adopt).observe(document.documentElement, { childList: true, subtree: true });
adopt();
