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
      const writes = event.target.tagName === "TEXTAREA" && event.target.form && !("lines" in event.target.form.dataset);
      if (writes && event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        event.target.form.requestSubmit();
      }
    });
  }

  // The sentence behind a marker, shown while the pointer or the keyboard is on it (or the pointer on the sentence
  // itself); Escape hides it. Returns what shows it again where the answer has been drawn anew meanwhile.
  function tips(element) {
    let shown = null;

    function hide() {
      shown?.tip.classList.remove("dl-shown");
      shown = null;
    }

    function place({ tip, marker }) {
      const at = marker.getBoundingClientRect();
      if (at.bottom < 0 || at.top > innerHeight) return hide();
      const { width, height } = tip.getBoundingClientRect();
      const apart = 4; // pixels, so that the ring around a focused marker is seen
      const top = at.top > height + apart ? at.top - height - apart : Math.min(at.bottom + apart, innerHeight - height);
      tip.style.left = `${Math.max(8, Math.min(at.left - 16, innerWidth - width - 8))}px`;
      tip.style.top = `${Math.max(0, top)}px`;
    }

    function show({ target }) {
      if (target.closest(".dl-tip")) return;
      hide();
      const marker = target.closest(".dl-marker");
      const tip = marker && document.getElementById(marker.getAttribute("aria-describedby"));
      if (!tip) return;
      shown = { tip, marker };
      tip.classList.add("dl-shown");
      place(shown);
    }

    element.addEventListener("pointerover", show);
    element.addEventListener("pointerleave", hide);
    element.addEventListener("focusin", show);
    element.addEventListener("focusout", hide);
    addEventListener("scroll", () => shown && place(shown), { passive: true });
    addEventListener("keydown", (event) => {
      if (event.key === "Escape" && shown) {
        hide();
        event.stopImmediatePropagation();
      }
    }, true);
    return () => shown?.marker.isConnected && show({ target: shown.marker });
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
  window.dateline = { appearance, wire, tips, copy, download };
})();
