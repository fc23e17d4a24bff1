// Keeps the place in the queue up to date, and says how old it is when the network is gone. Without it the page asks by
// itself, more slowly.
"use strict";
(() => {
  const EVERY_MS = 15000;
  const OLD_MS = 60000;
  const panel = document.querySelector("[data-live]");
  if (!panel) return;
  const parts = panel.querySelectorAll("[data-part]");
  const age = panel.querySelector("[data-age]");
  const awaited = document.querySelector("[data-awaited]");
  let tag = "";
  let ver = Number(panel.dataset.ver);
  let seen = performance.now();

  function show(place) {
    // An answer that was overtaken on its way says nothing new.
    if (place.ver < ver) return;
    if (place.state === "called" && panel.dataset.state !== "called" && navigator.vibrate) navigator.vibrate([400, 200, 400]);
    if (place.state !== panel.dataset.state && ["done", "left"].includes(place.state)) return location.reload();
    ver = place.ver;
    panel.dataset.state = place.state;
    // Whoever stands in line has been checked in by somebody.
    if (awaited) awaited.hidden = !["unknown", "expected"].includes(place.state);
    parts.forEach((part) => { part.textContent = place[part.dataset.part] ?? "—"; });
  }

  function sayAge() {
    const old = performance.now() - seen;
    age.textContent = old < OLD_MS ? "" : `网络不稳定：这是 ${Math.floor(old / 60000)} 分钟前的信息，恢复后自动更新。`;
  }

  async function ask() {
    const headers = { accept: "application/json", ...(tag && { "if-none-match": tag }) };
    try {
      const answer = await fetch(panel.dataset.live, { headers, cache: "no-store" });
      // The pass is over: the page itself asks whether this reader may still look.
      if (answer.status === 410) return location.reload();
      if (answer.ok) {
        tag = answer.headers.get("etag") || "";
        show(await answer.json());
      }
      if (answer.ok || answer.status === 304) seen = performance.now();
    } catch {
      // Asked again shortly; meanwhile the page says how old it is.
    }
    sayAge();
  }

  setInterval(() => { if (!document.hidden) ask(); }, EVERY_MS);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });

  const elsewhere = document.querySelector("[data-elsewhere]");
  if (elsewhere) {
    fetch(elsewhere.dataset.elsewhere, { headers: { accept: "application/json" }, cache: "no-store" })
      .then((answer) => answer.json())
      .then(({ queues, text }) => {
        const lines = (queues || []).map((queue) => queue.text);
        elsewhere.textContent = lines.length ? "" : text || "";
        lines.forEach((line) => { elsewhere.append(Object.assign(document.createElement("p"), { textContent: line })); });
      })
      .catch(() => { elsewhere.textContent = "暂时查不到，请留意现场叫号。"; });
  }
})();
