// Keeps the desk's queue fresh, says when it is not, and lets keys press its buttons. Without it every button is a form.
"use strict";
(() => {
  const ASK_EVERY_MS = 1000;
  const ANSWER_WITHIN_MS = 4000;
  const STALE_AFTER_MS = 2000;
  const desk = document.getElementById("desk");
  const [live, age, stale, said, who] = ["live", "age", "stale", "said", "who"].map((id) => document.getElementById(id));
  const state = location.pathname + location.search;
  let [tag, answeredAt, asking] = ["", performance.now(), false];

  const ask = (url, options) => fetch(url, { credentials: "same-origin", signal: AbortSignal.timeout(ANSWER_WITHIN_MS), ...options });
  const key = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

  const showAge = () => {
    const ms = performance.now() - answeredAt;
    stale.hidden = ms <= STALE_AFTER_MS;
    age.textContent = `${Math.floor(ms / 1000)} 秒前更新`;
  };

  // What somebody is filling in or has open survives the exchange.
  const put = (page) => {
    const fresh = new DOMParser().parseFromString(page, "text/html").getElementById("live");
    if (!fresh) return location.reload();
    const open = [...live.querySelectorAll("details")].map((one) => one.open);
    fresh.querySelectorAll("details").forEach((one, at) => { if (at in open) one.open = open[at]; });
    live.replaceChildren(...document.importNode(fresh, true).childNodes);
    live.dataset.ver = fresh.dataset.ver;
  };
  const isBusy = () => live.contains(document.activeElement) && /^(INPUT|SELECT)$/.test(document.activeElement.tagName);

  const load = async () => {
    const answer = await ask(state, { headers: { accept: "text/html" } });
    if (answer.ok) put(await answer.text());
  };

  const look = async () => {
    if (asking) return;
    asking = true;
    try {
      const answer = await ask(state, { headers: { accept: "application/json", ...(tag ? { "if-none-match": tag } : {}) } });
      if (answer.status === 401) return location.reload();
      if (answer.ok || answer.status === 304) answeredAt = performance.now();
      if (answer.ok) {
        const changed = String((await answer.json()).ver) !== live.dataset.ver;
        if (changed && !isBusy()) await load();
        if (!changed || !isBusy()) tag = answer.headers.get("etag") ?? "";
      }
    } catch {
      // No answer: the age says so.
    } finally {
      asking = false;
      showAge();
    }
  };

  const say = (text, bad = false) => {
    said.textContent = text;
    said.classList.toggle("bad", bad);
  };

  const send = async (form, button) => {
    const body = new URLSearchParams(new FormData(form, button));
    body.set("idempotency_key", key());
    form.setAttribute("aria-busy", "true");
    try {
      const answer = await ask(form.action, { method: "POST", body, headers: { accept: "application/json" } });
      const told = await answer.json();
      if (told.choices) return form.submit();
      // At once: who leaves the field while the list is loaded has left it.
      if (form.contains(who)) who.focus();
      if (!answer.ok) say(told.error.text, true);
      else {
        say(told.said ?? "");
        if (form.contains(who)) form.reset();
        tag = "";
      }
      await load();
    } catch {
      say("没有收到回复，请看最新队列后再操作", true);
    } finally {
      form.removeAttribute("aria-busy");
    }
  };

  desk.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.target.getAttribute("aria-busy") !== "true") send(event.target, event.submitter);
  });

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const field = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName ?? "");
    if (event.key === "Escape" && field) return document.activeElement.blur();
    if (field) return;
    if (event.key === "/") {
      event.preventDefault();
      return who.focus();
    }
    const wanted = live.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
    if (wanted && !event.repeat) {
      event.preventDefault();
      wanted.click();
    }
  });

  setInterval(look, ASK_EVERY_MS);
  setInterval(showAge, 250);
})();
