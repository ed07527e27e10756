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

// A question that is not edited after all stays as it was. What is being written is kept where the answer is drawn anew.
let editing = null; // the turn's id, and the text so far

element.addEventListener("toggle", ({ target }) => {
  if (!target.matches(".dl-edit")) return;
  const turn = target.closest(".dl-turn").id;
  if (target.open) {
    editing = editing?.turn === turn ? editing : { turn, text: null };
    target.querySelector("textarea").focus();
  } else {
    editing = null;
    target.querySelector("form").reset();
  }
}, true);
element.addEventListener("input", ({ target }) => {
  if (editing && target.closest(".dl-edit")) editing.text = target.value;
});
element.addEventListener("submit", () => (editing = null), true);

function editAgain() {
  const edit = editing && document.getElementById(editing.turn)?.querySelector(".dl-edit");
  if (!edit || edit.open) return;
  edit.open = true;
  if (editing.text !== null) edit.querySelector("textarea").value = editing.text;
}

element.addEventListener("keydown", (event) => {
  const edited = event.target.closest(".dl-edit[open]");
  if (event.key !== "Escape" || !edited) return;
  event.stopPropagation(); // the article, if one is open, stays open
  edited.open = false;
  edited.querySelector("summary").focus();
});

const showAgain = dateline.tips(element);

for (const name of ["wheel", "touchmove"]) {
  addEventListener(name, () => (follow = false), { passive: true });
}

watch("value", () => {
  showAgain();
  editAgain();
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

// Up in the empty question box brings back the last question.
document.addEventListener("keydown", (event) => {
  const box = event.target;
  if (event.key !== "ArrowUp" || box.value !== "" || !box.matches?.("#dl-box textarea")) return;
  const asked = [...element.querySelectorAll(".dl-turn")].pop();
  const question = (asked?.querySelector(".dl-whole p") || asked?.querySelector(".dl-question"))?.textContent;
  if (!question) return;
  event.preventDefault();
  box.value = question;
  box.dispatchEvent(new Event("input", { bubbles: true }));
});

// Articles are added below the conversation: the place opens when files are dragged over it, and takes them wherever in
// the conversation they are dropped.
const main = document.getElementById("dl-main");

function adding() {
  const place = document.getElementById("dl-add");
  const label = place?.querySelector("button");
  if (label && !label.classList.contains("open")) label.click();
  return place;
}

element.addEventListener("click", ({ target }) => {
  if (!target.closest("[data-add]")) return;
  const place = adding();
  setTimeout(() => place?.querySelector(".dl-drop button")?.focus());
});

for (const name of ["dragenter", "dragover"]) {
  main?.addEventListener(name, (event) => {
    if (!event.dataTransfer.types.includes("Files") || !adding()) return;
    event.preventDefault();
  });
}

main?.addEventListener("drop", (event) => {
  const input = document.querySelector("#dl-add input[type=file]");
  if (!input || !event.dataTransfer.files.length || event.target.closest("#dl-add")) return;
  event.preventDefault();
  input.files = event.dataTransfer.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
});
