// In the page's head: runs before anything is painted. What several parts of the page share.
(() => {
  const KEY = "dateline-appearance";
  const night = matchMedia("(prefers-color-scheme: dark)");

  function stored() {
    try {
      return localStorage.getItem(KEY) || "system";
    } catch {
      return "system"; // storage is switched off in this browser
    }
  }

  function paint() {
    const dark = stored() === "dark" || (stored() === "system" && night.matches);
    if (document.body.classList.contains("dark") !== dark) document.body.classList.toggle("dark", dark);
  }

  // Returns the appearance (system, light or dark), and sets it where one is given.
  function appearance(value) {
    try {
      if (value) localStorage.setItem(KEY, value);
    } catch {}
    paint();
    return stored();
  }

  // Sends what is clicked ([data-do]) or submitted (form[data-do]) in `element` to Python: `slow` names what streams
  // an answer and goes out as "ask", the rest as "act".
  function wire(element, trigger, slow = []) {
    const send = (data) => trigger(slow.includes(data.do) ? "ask" : "act", data);
    element.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-do]");
      if (button) send({ ...button.dataset });
    });
    element.addEventListener("submit", (event) => {
      event.preventDefault();
      const form = event.target;
      form.closest("details")?.removeAttribute("open");
      send({ ...form.dataset, ...Object.fromEntries(new FormData(form)) });
    });
    element.addEventListener("keydown", (event) => {
      const writes = event.target.tagName === "TEXTAREA" && event.target.form;
      if (writes && event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        event.target.form.requestSubmit();
      }
    });
  }

  // Copies text; browsers allow the first way on https and on this machine only.
  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = Object.assign(document.createElement("textarea"), { value: text });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  }

  function download({ name, mime, text }) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: mime }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  addEventListener("click", (event) => {
    const tab = event.target.closest?.("[data-tab]");
    if (tab) document.getElementById(`${tab.dataset.tab}-button`)?.click();
  });
  night.addEventListener("change", paint);
  addEventListener("DOMContentLoaded", () => {
    paint();
    // Gradio follows the system by itself; what the reader chose wins.
    new MutationObserver(paint).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  });
  window.dateline = { appearance, wire, copy, download };
})();
