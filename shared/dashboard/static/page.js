// Every page works without this: it sorts tables, writes times in the reader's zone, and keeps a page current.

const CHOICE = "personalizer-clock";

function written(time, local) {
  if (!local) return time.dataset.utc;
  const at = new Date(time.dateTime);
  const day = { day: "2-digit", month: "short" };
  if (/\d{4}/.test(time.dataset.utc.split(" ")[2] ?? "")) day.year = "numeric";
  return at.toLocaleString("en-GB", { ...day, hour: "2-digit", minute: "2-digit" }).replace(",", "");
}

function clock() {
  const times = [...document.querySelectorAll("time[datetime]")];
  for (const time of times) time.dataset.utc ??= time.textContent;
  const place = document.querySelector(".clock");
  if (!place) return;
  const show = (choice) => {
    for (const time of times) time.textContent = written(time, choice === "Local");
    for (const one of place.children) one.setAttribute("aria-pressed", String(one.textContent === choice));
  };
  for (const choice of ["UTC", "Local"]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = choice;
    button.addEventListener("click", () => {
      localStorage.setItem(CHOICE, choice);
      show(choice);
    });
    place.append(button);
  }
  place.setAttribute("role", "group");
  place.setAttribute("aria-label", "Time zone");
  place.hidden = false;
  show(localStorage.getItem(CHOICE) ?? "UTC");
}

function valueOf(row, column) {
  const cell = row.cells[column];
  const text = cell.dataset.value ?? cell.textContent;
  return text === "" || Number.isNaN(Number(text)) ? text : Number(text);
}

function compared(one, other) {
  if (typeof one === "number" && typeof other === "number") return one - other;
  if (typeof one !== typeof other) return typeof one === "number" ? -1 : 1;
  return one.localeCompare(other);
}

function sort(table, head, column) {
  const up = head.getAttribute("aria-sort") === "descending";
  for (const one of table.tHead.rows[0].cells) one.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const body = table.tBodies[0];
  const rows = [...body.rows].sort((a, b) => compared(valueOf(a, column), valueOf(b, column)) * (up ? 1 : -1));
  body.append(...rows);
}

function sortable() {
  for (const table of document.querySelectorAll("table[data-sortable]")) {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      if (!("sort" in head.dataset)) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(table, head, column));
      head.append(button);
    });
  }
}

// A page that watches something asks for itself again, and only what has changed is put in its place.
function watching() {
  const watched = document.querySelector("[data-watch]");
  if (!watched) return;
  const seconds = Number(watched.dataset.watch);
  const again = async () => {
    if (document.hidden) return void setTimeout(again, seconds * 1000);
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-watch], [data-ended]");
      if (!next) return void location.reload();
      document.querySelector("[data-watch]").replaceWith(document.adoptNode(next));
      if (next.hasAttribute("data-watch")) setTimeout(again, seconds * 1000);
      else location.reload();
    } catch {
      setTimeout(again, seconds * 2000);
    }
  };
  setTimeout(again, seconds * 1000);
}

// A chart becomes one that can be zoomed where that is wanted: what draws it is loaded only then.
function zoomable() {
  for (const box of document.querySelectorAll("[data-zoom]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button";
    button.textContent = "Zoom";
    button.addEventListener("click", async () => {
      button.disabled = true;
      const { zoom } = await import(box.dataset.zoom);
      await zoom(box, localStorage.getItem(CHOICE) === "Local");
      button.remove();
    });
    box.closest("section").querySelector(".chart-head").append(button);
  }
}

// Where a phone is too narrow, it shows what a chart tells of last, and which of the tabs this is.
function latest() {
  for (const box of document.querySelectorAll(".chart-box")) box.scrollLeft = box.scrollWidth;
  const tabs = document.querySelector("nav.tabs");
  const here = tabs?.querySelector("[aria-current]");
  if (here) tabs.scrollLeft = here.offsetLeft - (tabs.clientWidth - here.offsetWidth) / 2;
}

clock();
latest();
sortable();
zoomable();
watching();
