"use strict";
(() => {
  const root = document.documentElement, theme = document.getElementById("theme");
  const details = [...document.querySelectorAll("details")];
  const dark = () => root.dataset.theme
    ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const label = () => {
    theme.textContent = dark() ? "Light" : "Dark";
    theme.setAttribute("aria-pressed", String(dark()));
  };
  theme.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; label(); });
  label();
  const unfold = document.getElementById("unfold");
  unfold.addEventListener("click", () => {
    const open = details.some((one) => !one.open);
    details.forEach((one) => { one.open = open; });
    unfold.textContent = open ? "Fold all" : "Unfold all";
  });
  let before = [];
  addEventListener("beforeprint", () => { before = details.filter((one) => !one.open); before.forEach((one) => { one.open = true; }); });
  addEventListener("afterprint", () => before.forEach((one) => { one.open = false; }));
  const reveal = () => {  // a link into what is folded
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let one = target; one; one = one.parentElement) if (one.tagName === "DETAILS") one.open = true;
  };
  addEventListener("hashchange", reveal);
  reveal();
})();
