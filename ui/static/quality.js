// Runs once for each part of the Quality tab. Gradio gives: element, trigger, server, watch. It triggers "act".
dateline.wire(element, trigger);
let deciding = false; // whether a question about the library was decided on last

// What cannot be undone is asked for twice.
element.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-sure]");
  if (!button || button.dataset.do) return;
  const label = button.textContent;
  button.textContent = `${label}?`;
  button.dataset.do = button.dataset.sure;
  button.addEventListener("blur", () => {
    button.textContent = label;
    delete button.dataset.do;
  }, { once: true });
});

// The next question to decide on gets the keyboard, if the last one had it.
watch("value", () => {
  const lost = document.activeElement === document.body || !document.activeElement?.isConnected;
  const next = element.querySelector(".dl-own-card textarea") || element.querySelector(".dl-own-do button");
  if (lost && deciding) next?.focus({ preventScroll: true });
  if (next) deciding = false;
});
element.addEventListener("submit", () => (deciding = true));
element.addEventListener("click", ({ target }) => (deciding ||= Boolean(target.closest(".dl-own-do button"))));

const report = element.querySelector(".dl-report");
if (report) present();

// The part that shows a report or a comparison answers for the buttons of the list.
function present() {
  const frame = report.querySelector("iframe");
  const compared = element.querySelector(".dl-compared");
  const alert = element.querySelector("[role=alert]");
  let opener = null;

  // Returns a text that the server makes, or undefined after saying what is wrong.
  async function fetched(button, what, run) {
    alert.hidden = true;
    button.setAttribute("aria-busy", "true");
    let found;
    try {
      found = await server[what](run);
    } catch {
      found = { problem: "Dateline does not answer. Is it still running?" };
    }
    button.removeAttribute("aria-busy");
    if (!found.problem) return found.text;
    alert.textContent = found.problem;
    alert.hidden = false;
    alert.scrollIntoView({ block: "nearest" });
  }

  async function show(button) {
    const html = await fetched(button, "report", button.dataset.report);
    if (html === undefined) return;
    opener = button;
    frame.srcdoc = html; // sandboxed: no script runs in it, and it reaches nothing of this page
    report.hidden = false;
    report.scrollIntoView({ block: "start" });
    report.querySelector("[data-close]").focus({ preventScroll: true });
  }

  async function save(button) {
    const { save: what, run } = button.dataset;
    const text = await fetched(button, what, run);
    if (text === undefined) return;
    const [ending, mime] = { report: ["html", "text/html"], lines: ["jsonl", "application/jsonl"] }[what];
    const name = run.replace(/\.jsonl$/, "").replace(/[^\w.-]+/g, "-");
    dateline.download({ name: `${name}.${ending}`, mime, text });
  }

  document.addEventListener("click", ({ target }) => {
    if (!element.isConnected) return;
    const button = target.closest?.("[data-report], [data-save]");
    if (button) (button.dataset.report ? show : save)(button);
  });
  document.addEventListener("submit", async (event) => {
    if (!element.isConnected || !event.target.matches("[data-compare]")) return;
    event.preventDefault();
    event.stopPropagation();
    const { first, second } = Object.fromEntries(new FormData(event.target));
    const html = await fetched(event.submitter || event.target, "compare", [first, second]);
    if (html === undefined) return;
    compared.innerHTML = html; // made of escaped text only
    compared.querySelector("section").focus();
  }, true);
  report.querySelector("[data-close]").addEventListener("click", () => {
    report.hidden = true;
    frame.removeAttribute("srcdoc");
    if (opener?.isConnected) opener.focus();
  });
}
