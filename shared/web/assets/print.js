// A button that prints. Without it Ctrl+P does the same.
"use strict";
document.querySelectorAll("[data-print]").forEach((button) => {
  button.addEventListener("click", (event) => {
    event.preventDefault();
    print();
  });
});
