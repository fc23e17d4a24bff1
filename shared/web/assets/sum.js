// Adds up what is ticked. The server counts again: this only shows it at once.
"use strict";
(() => {
  const text = (fen) => `${Math.floor(fen / 100)}.${String(fen % 100).padStart(2, "0")}元`;
  document.querySelectorAll("form:has([data-sum])").forEach((form) => {
    const place = form.querySelector("[data-sum]");
    const button = form.querySelector("button");
    const add = () => {
      const ticked = [...form.querySelectorAll("[data-fen]:checked")];
      place.textContent = text(ticked.reduce((sum, box) => sum + Number(box.dataset.fen), 0));
      button.disabled = ticked.length === 0;
    };
    form.addEventListener("change", add);
    window.addEventListener("pageshow", add);
    add();
  });
})();
