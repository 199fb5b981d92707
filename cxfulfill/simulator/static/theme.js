// Loaded before the first paint, so that the chosen scheme does not flash into the other.
(() => {
  const chosen = localStorage.getItem("cxfulfill-scheme");
  if (chosen === "light" || chosen === "dark") {
    document.documentElement.dataset.scheme = chosen;
  }
})();
