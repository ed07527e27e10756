// Runs once for the article beside the chat. Gradio gives: element, server. Anything on the page with
// data-article="ID" (and data-start, data-end in characters) opens it; data-collection around it says where it lies.
const panel = element.querySelector(".dl-panel");
const body = element.querySelector(".dl-article");
const NOT_THERE =
  '<h2 class="dl-headline" id="dl-article-title">The article cannot be shown</h2>' +
  '<p class="dl-text">Dateline does not answer. Is it still running?</p>';
let opener = null;
let latest = 0;

async function open(link) {
  const mine = ++latest;
  const { article, start, end } = link.dataset;
  let html;
  try {
    const { collection = "" } = link.closest("[data-collection]")?.dataset ?? {};
    html = await server.article([article, Number(start) || 0, Number(end) || 0, collection]);
  } catch {} // told below: depending on what went wrong, nothing comes back instead
  if (typeof html !== "string") html = NOT_THERE;
  if (mine !== latest) return; // another one was opened meanwhile
  opener = link;
  body.innerHTML = html;
  const [title, headline] = [panel.querySelector(".dl-panel-title"), body.querySelector("h2")];
  title.textContent = headline?.textContent;
  const origin = body.querySelector(".dl-file .dl-origin");
  if (origin) title.append(origin.cloneNode(true));
  title.dir = headline?.dir || "ltr";
  panel.hidden = false;
  document.body.classList.add("dl-reading");
  const mark = body.querySelector("mark");
  body.scrollTop = 0;
  mark?.scrollIntoView({ block: "center" });
  (mark || body).focus({ preventScroll: true });
}

function close() {
  latest += 1;
  panel.hidden = true;
  document.body.classList.remove("dl-reading");
  if (opener?.isConnected) opener.focus();
  else document.querySelector("#dl-box textarea")?.focus();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-article]");
  if (link) open(link);
});
panel.querySelector(".dl-close").addEventListener("click", close);
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !panel.hidden) close();
});
