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

  window.addEventListener('message', (event) => {
    if (event.source !== phone || event.origin !== phoneOrigin || event.data?.kind !== 'paid') return;
    const callback = waiting.get(event.data.id);
    waiting.delete(event.data.id);
    callback?.({ err_msg: `get_brand_wcpay_request:${event.data.result}`, err_desc: event.data.err_desc });
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
