// Keeps the minutes of a server-made countdown going. Without it the page still says until when.
"use strict";
(() => {
  const text = (s) => (s < 60 ? `${s} 秒` : s % 60 ? `${Math.floor(s / 60)} 分 ${s % 60} 秒` : `${s / 60} 分钟`);
  document.querySelectorAll("[data-left-s]").forEach((place) => {
    // The page's own age, not the phone's clock: clocks of phones are often wrong.
    const end = performance.now() + Number(place.dataset.leftS) * 1000;
    const tick = () => {
      const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
      place.textContent = text(left);
      if (left > 0) setTimeout(tick, 1000);
      else location.reload();
    };
    if (Number(place.dataset.leftS) > 0) tick();
  });
})();
