// What the WeChat browser gives a page: WeixinJSBridge, here spoken to the phone around the frame.
(() => {
  const phone = window.parent;
  const waiting = new Map();
  let sequence = 0;
  const framed = phone !== window;
  const host = location.host.replace(/^[^.]+\./, '');
  const phoneOrigin = `${location.protocol}//${host}`;
  const tell = (message) => framed && phone.postMessage({ wechat: true, ...message }, phoneOrigin);

  const invoke = (name, params, callback = () => {}) => {
    if (name !== 'getBrandWCPayRequest') return callback({ err_msg: `${name}:fail` });
    if (!framed) return callback({ err_msg: 'get_brand_wcpay_request:fail', err_desc: '请在手机里打开' });
    sequence += 1;
    waiting.set(sequence, callback);
    return tell({ kind: 'pay', id: sequence, params });
  };

  const FIELDS = {
    name: 'input[name="name"]',
    document: 'input[name="document"]',
    phone: 'input[type="tel"], input[name="phone"]',
    card: 'input[name="card"]',
  };

  /** Types the demo identity into the form on the page, as a person would. */
  const fill = (demo) => {
    for (const [field, selector] of Object.entries(FIELDS)) {
      const input = document.querySelector(selector);
      if (!input || !demo[field]) continue;
      input.value = demo[field];
      for (const name of ['input', 'change']) input.dispatchEvent(new Event(name, { bubbles: true }));
    }
  };

  const hear = {
    paid: ({ id, result, err_desc }) => {
      const callback = waiting.get(id);
      waiting.delete(id);
      callback?.({ err_msg: `get_brand_wcpay_request:${result}`, err_desc });
    },
    back: () => history.back(),
    fill: ({ demo }) => fill(demo),
  };
  window.addEventListener('message', (event) => {
    if (event.source === phone && event.origin === phoneOrigin) hear[event.data?.kind]?.(event.data);
  });

  window.WeixinJSBridge = {
    invoke,
    call: (name) => name === 'closeWindow' && tell({ kind: 'close' }),
    on: () => {},
  };
  const ready = () => {
    tell({ kind: 'page', title: document.title, address: location.href });
    document.dispatchEvent(new Event('WeixinJSBridgeReady'));
  };
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', ready);
  else ready();
})();
