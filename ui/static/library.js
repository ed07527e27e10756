// Runs once for each part of the Library tab. Gradio gives: element, trigger, watch. It triggers "act" and "ask".
dateline.wire(element, trigger, ["url", "text"]);

const search = element.querySelector(".dl-search input");
const bar = element.querySelector(".dl-picked");
const picked = new Set(); // ids of the ticked articles, over all pages; nobody else's affair
let typing = 0;
let acted = ""; // what was done last, to put the keyboard where it is useful

const ticks = () => [...element.querySelectorAll(".dl-tick input")];

// The list was drawn anew, or a tick changed.
function paint() {
  if (!bar) return;
  const shown = ticks();
  for (const tick of shown) tick.checked = picked.has(tick.value);
  const every = bar.querySelector(".dl-every");
  every.checked = shown.length > 0 && shown.every((tick) => tick.checked);
  every.indeterminate = !every.checked && shown.some((tick) => tick.checked);
  bar.hidden = picked.size === 0;
  bar.querySelector(".dl-picked-count").textContent =
    picked.size === 1 ? "1 article chosen" : `${picked.size.toLocaleString()} articles chosen`;
}

function act(data) {
  acted = data.do;
  element.setAttribute("aria-busy", "true");
  trigger("act", data);
}

search?.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => act({ do: "search", search: search.value }), 250);
});

element.addEventListener("change", ({ target }) => {
  if (target.dataset.change) act({ do: target.dataset.change, value: target.value });
  if (target.matches(".dl-tick input")) picked[target.checked ? "add" : "delete"](target.value);
  if (target.matches(".dl-every")) for (const tick of ticks()) picked[target.checked ? "add" : "delete"](tick.value);
  paint();
});

element.addEventListener("click", ({ target }) => {
  const done = target.closest("[data-do]")?.dataset;
  if (done) acted = done.do;
  if (done?.do === "remove") picked.delete(done.id);
  const { pick } = target.closest("[data-pick]")?.dataset || {};
  if (!pick) return;
  if (pick !== "none") act({ do: pick, ids: [...picked] });
  picked.clear();
  paint();
  if (pick === "none") search.focus();
});

element.addEventListener("submit", ({ target }) => target.reset());

watch("value", () => {
  element.removeAttribute("aria-busy");
  paint();
  const lost = document.activeElement === document.body || !document.activeElement?.isConnected;
  if (lost && ["remove", "only", "undo", "all"].includes(acted)) {
    (element.querySelector(".dl-told button") || search)?.focus({ preventScroll: true });
  }
  if (acted === "page") element.querySelector(".dl-list-head")?.scrollIntoView({ block: "start" });
  acted = "";
});
