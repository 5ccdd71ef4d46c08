"use strict";
/* Buttons that decide something wait until the page has been in view for a moment: a
 * click or key press aimed at whatever was there before must not decide. The page works
 * without this script; nothing here decides anything. */
(() => {
  const DELAY_MS = 500;
  const buttons = Array.from(document.querySelectorAll("button[data-arm]"));
  let timer = 0;

  const arm = () => {
    window.clearTimeout(timer);
    buttons.forEach((button) => { button.disabled = true; });
    timer = window.setTimeout(() => {
      buttons.forEach((button) => { button.disabled = false; });
    }, DELAY_MS);
  };

  if (buttons.length > 0) {
    arm();
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") { arm(); }
    });
    window.addEventListener("focus", arm);
  }

  /* A page that comes back as it was left must not come back with dead buttons. */
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) { return; }
    document.querySelectorAll("button").forEach((button) => { button.disabled = false; });
    arm();
  });

  /* One press, one submission. After the event, so that the pressed button is sent. */
  document.addEventListener("submit", (event) => {
    const pressed = event.target.querySelectorAll("button");
    window.setTimeout(() => {
      window.clearTimeout(timer);
      pressed.forEach((button) => { button.disabled = true; });
    }, 0);
  });
})();
