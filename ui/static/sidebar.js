// Runs once for the list of conversations. Gradio gives: element, trigger, watch. It triggers "act".
dateline.wire(element, trigger);

const toggle = element.querySelector(".dl-toggle");
const book = element.querySelector(".dl-book");
let open = false;
let typing = 0;

function paint() {
  toggle.setAttribute("aria-expanded", open);
  book.classList.toggle("dl-shut", !open); // only where the window is narrow
}

toggle.addEventListener("click", () => {
  open = !open;
  paint();
});
element.addEventListener("click", (event) => {
  if (event.target.closest("[data-do=open], [data-do=new]")) open = false;
});
element.querySelector("input[type=search]").addEventListener("input", (event) => {
  clearTimeout(typing);
  const search = event.target.value;
  typing = setTimeout(() => trigger("act", { do: "search", search }), 200);
});
// One menu at a time; Escape and a click elsewhere close it.
element.addEventListener("toggle", ({ target }) => {
  if (!target.open) return;
  for (const other of element.querySelectorAll("details[open]")) if (other !== target) other.open = false;
}, true);
element.addEventListener("keydown", (event) => {
  const menu = event.target.closest("details[open]");
  if (event.key !== "Escape" || !menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
watch("value", paint);
paint();
