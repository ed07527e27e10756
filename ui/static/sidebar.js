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
watch("value", paint);
paint();
