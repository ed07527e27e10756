// Runs once for the conversation's element. Gradio gives: element, trigger, watch.
const calm = matchMedia("(prefers-reduced-motion: reduce)");
let newest = "";
let follow = false; // keep the newest question in view, until the reader scrolls

function show(node, block) {
  node.scrollIntoView({ block, behavior: calm.matches ? "auto" : "smooth" });
}

element.addEventListener("click", (event) => {
  const ask = event.target.closest("[data-ask]");
  if (ask) return trigger("click", { ask: ask.dataset.ask });
  const marker = event.target.closest("[data-source]");
  const source = marker && document.getElementById(marker.dataset.source);
  if (!source) return;
  follow = false;
  source.focus({ preventScroll: true });
  show(source.querySelector("mark") || source, "center");
  source.classList.remove("dl-flash");
  void source.offsetWidth; // restarts the animation
  source.classList.add("dl-flash");
});

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
  if (follow && (asked || answered)) show(last.firstElementChild, "start");
  if (answered) follow = false;
  // Send turned into Stop (or back) under the reader's hands: keep the keyboard where it was useful.
  if (document.activeElement === document.body && matchMedia("(hover: hover)").matches) {
    document.querySelector("#dl-box textarea")?.focus({ preventScroll: true });
  }
});
