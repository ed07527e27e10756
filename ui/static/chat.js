// Runs once for the conversation's element. Gradio gives: element, trigger, watch. It triggers "ask" and "act".
const calm = matchMedia("(prefers-reduced-motion: reduce)");
let newest = "";
let follow = false; // keep the newest question in view, until the reader scrolls

dateline.wire(element, trigger, ["ask", "retry", "edit"]);

element.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await dateline.copy(button.dataset.copy);
  button.textContent = "Copied";
  button.focus();
  setTimeout(() => (button.textContent = "Copy"), 2000);
});

element.addEventListener("toggle", (event) => {
  if (event.target.open) event.target.querySelector("textarea")?.focus();
}, true);

// The sentence behind a marker, shown while the pointer or the keyboard is on it (or the pointer on the sentence
// itself); Escape hides it.
let shown = null;

function hide() {
  shown?.tip.classList.remove("dl-shown");
  shown = null;
}

function place({ tip, marker }) {
  const at = marker.getBoundingClientRect();
  if (at.bottom < 0 || at.top > innerHeight) return hide();
  const { width, height } = tip.getBoundingClientRect();
  const top = at.top > height ? at.top - height : Math.min(at.bottom, innerHeight - height);
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

for (const name of ["wheel", "touchmove"]) {
  addEventListener(name, () => (follow = false), { passive: true });
}

watch("value", () => {
  const turns = element.querySelectorAll(".dl-turn");
  const last = turns[turns.length - 1];
  if (!last) return void (newest = "");
  const asked = last.id !== newest;
  const answered = !last.classList.contains("dl-pending");
  if (asked) follow = true;
  newest = last.id;
  if (follow && (asked || answered)) {
    last.firstElementChild.scrollIntoView({ block: "start", behavior: calm.matches ? "auto" : "smooth" });
  }
  if (answered) follow = false;
  // Send turned into Stop (or back) under the reader's hands: keep the keyboard where it was useful.
  if (document.activeElement === document.body && matchMedia("(hover: hover)").matches) {
    document.querySelector("#dl-box textarea")?.focus({ preventScroll: true });
  }
});
