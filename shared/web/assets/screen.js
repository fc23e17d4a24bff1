// Keeps the waiting-room screen fresh, speaks each call once, and says when the line is down.
"use strict";
(() => {
  const ASK_EVERY_MS = 1000;
  const ANSWER_WITHIN_MS = 4000;
  const STALE_AFTER_MS = 2000;
  const [live, age, stale, sound] = ["live", "age", "stale", "sound"].map((id) => document.getElementById(id));
  const state = location.pathname + location.search;
  // By queue, the newest call that was shown: versions only grow, so an answer that comes late says nothing twice.
  const heard = new Map();
  let [tag, answeredAt, asking, speaks] = ["", performance.now(), false, false];

  const ask = (headers) => fetch(state, { credentials: "same-origin", signal: AbortSignal.timeout(ANSWER_WITHIN_MS), headers });
  const showAge = () => {
    stale.hidden = performance.now() - answeredAt <= STALE_AFTER_MS;
    age.textContent = new Date().toLocaleTimeString("zh-CN", { hour12: false, timeZone: "Asia/Shanghai" });
  };

  const say = (text) => {
    const words = new SpeechSynthesisUtterance(text);
    words.lang = "zh-CN";
    words.rate = 0.9;
    speechSynthesis.speak(words);
  };

  const hear = (loud) => {
    live.querySelectorAll("[data-call]").forEach(({ dataset: { queue, call, say: text } }) => {
      const ver = Number(call);
      if (ver <= (heard.get(queue) ?? 0)) return;
      heard.set(queue, ver);
      if (loud && speaks) say(text);
    });
  };

  const isOlder = (fresh) => [...fresh.querySelectorAll("[data-call]")].some(({ dataset: { queue, call } }) => Number(call) < (heard.get(queue) ?? 0));

  const look = async () => {
    if (asking) return;
    asking = true;
    try {
      const answer = await ask({ accept: "application/json", ...(tag ? { "if-none-match": tag } : {}) });
      if (answer.status === 403) return location.reload();
      if (answer.ok || answer.status === 304) answeredAt = performance.now();
      if (answer.ok) {
        const seen = answer.headers.get("etag") ?? "";
        const page = await ask({ accept: "text/html" });
        const fresh = new DOMParser().parseFromString(await page.text(), "text/html").getElementById("live");
        if (fresh && !isOlder(fresh)) {
          live.replaceChildren(...document.importNode(fresh, true).childNodes);
          tag = seen;
          hear(true);
        }
      }
    } catch {
      // No answer: the banner says so.
    } finally {
      asking = false;
      showAge();
    }
  };

  // A browser speaks only after somebody has touched the page.
  sound.addEventListener("click", () => {
    speaks = !speaks;
    sound.setAttribute("aria-pressed", String(speaks));
    sound.textContent = speaks ? "语音已开" : "开启语音";
    if (speaks) say("语音已开启");
    else speechSynthesis.cancel();
  });
  if (!("speechSynthesis" in window)) sound.hidden = true;

  hear(false);
  showAge();
  setInterval(look, ASK_EVERY_MS);
  setInterval(showAge, 250);
})();
