// Pays an order inside WeChat. The server decides what was paid: the sheet's own "ok" proves nothing, so after
// every outcome the server is asked until it knows. Works again after any failure.
"use strict";
(() => {
  const CHECKS_MAX = 20;
  const CHECK_EVERY_MS = 1500;
  const REQUEST_TIMEOUT_MS = 15000;
  const BRIDGE_TIMEOUT_MS = 5000;

  const panel = document.querySelector("[data-pay]");
  if (!panel) return;
  const button = panel.querySelector("button");
  const status = panel.querySelector("[role=status]");
  const say = (text) => { status.textContent = text; };
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

  class Told extends Error {}

  async function post(path) {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), REQUEST_TIMEOUT_MS);
    try {
      const headers = { accept: "application/json", "content-type": "application/json", "x-csrf-token": panel.dataset.csrf };
      const answer = await fetch(path, { method: "POST", body: "{}", credentials: "same-origin", headers, signal: stop.signal });
      const body = await answer.json();
      if (!answer.ok) throw new Told(body.error && body.error.text);
      return body;
    } catch (error) {
      throw error instanceof Told ? error : new Told("网络不稳定，请检查网络后再试。");
    } finally {
      clearTimeout(timer);
    }
  }

  function bridge() {
    if (window.WeixinJSBridge) return Promise.resolve(window.WeixinJSBridge);
    return new Promise((done, fail) => {
      const timer = setTimeout(() => fail(new Told("微信支付没有响应，请关闭页面后重新进入。")), BRIDGE_TIMEOUT_MS);
      document.addEventListener("WeixinJSBridgeReady", () => { clearTimeout(timer); done(window.WeixinJSBridge); }, { once: true });
    });
  }

  const sheet = (weixin, request) => new Promise((done) => weixin.invoke("getBrandWCPayRequest", request, (outcome) => done(outcome.err_msg)));

  // True when the server has settled the payment one way or the other.
  async function settled(checks) {
    for (let check = 0; check < checks; check += 1) {
      const { state, text } = await post(panel.dataset.check);
      if (state !== "pending") {
        say(text || "正在打开结果…");
        location.replace(panel.dataset.done);
        return true;
      }
      await sleep(CHECK_EVERY_MS);
    }
    return false;
  }

  async function pay() {
    say("正在准备支付…");
    const prepay = await post(panel.dataset.prepay);
    if (!prepay.request) return void (await settled(1));
    const weixin = await bridge();
    say("请在微信支付窗口中完成支付。");
    const outcome = await sheet(weixin, prepay.request);
    if (outcome === "get_brand_wcpay_request:ok") {
      say("正在确认支付结果，请不要关闭页面…");
      if (!(await settled(CHECKS_MAX))) say("支付结果还在确认中，请稍后刷新本页查看，不要重复支付。");
      return;
    }
    // A cancelled sheet may still have paid on another phone: one question to the server settles it.
    if (await settled(1)) return;
    say(outcome === "get_brand_wcpay_request:cancel" ? "您取消了支付。在剩余时间内可再次支付。" : "支付没有成功，请再试一次。");
  }

  if (!/MicroMessenger/i.test(navigator.userAgent) && !window.WeixinJSBridge) {
    say("请在微信中打开本页面完成支付。");
    return;
  }
  button.disabled = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await pay();
    } catch (error) {
      say((error instanceof Told && error.message) || "出了点问题，请再试一次。");
    }
    button.disabled = false;
  });
})();
