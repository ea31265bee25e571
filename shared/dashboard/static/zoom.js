// Draws a series anew with uPlot, by the shortest stretches there are, so that a part of it can be seen.

const WIDE = 300;

function loaded(name, attributes) {
  return new Promise((resolve, reject) => {
    const element = Object.assign(document.createElement(name), attributes);
    element.addEventListener("load", resolve);
    element.addEventListener("error", () => reject(new Error(`${name} could not be loaded`)));
    document.head.append(element);
  });
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function columns(series) {
  const value = (name) => series.map((one) => one[name]?.mean ?? null);
  const end = (sign) =>
    series.map(({ online }) => (online?.halfWidth == null ? null : online.mean + sign * online.halfWidth));
  return [series.map((one) => one.at / 1000), end(1), end(-1), value("online"), value("baseline"), value("random")];
}

function marks(changes) {
  return (plot) => {
    plot.ctx.save();
    plot.ctx.strokeStyle = colour("muted");
    plot.ctx.setLineDash([]);
    for (const { at } of changes) {
      const x = plot.valToPos(at / 1000, "x", true);
      if (x < plot.bbox.left || x > plot.bbox.left + plot.bbox.width) continue;
      plot.ctx.beginPath();
      plot.ctx.moveTo(x, plot.bbox.top);
      plot.ctx.lineTo(x, plot.bbox.top + plot.bbox.height);
      plot.ctx.stroke();
    }
    plot.ctx.restore();
  };
}

function clock(isLocal) {
  const day = { timeZone: isLocal ? undefined : "UTC", day: "2-digit", month: "short" };
  const minute = { ...day, hour: "2-digit", minute: "2-digit" };
  return (seconds, step) =>
    new Date(seconds * 1000).toLocaleString("en-GB", step < 86400 ? minute : day).replace(",", "");
}

function options(box, data, isLocal) {
  const written = clock(isLocal);
  const text = colour("muted");
  const axis = { stroke: text, grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line"), width: 1 } };
  const value = (_, number) => (number == null ? "none" : number.toFixed(3));
  const line = (label, name, more) => ({ label, stroke: colour(name), width: 2, points: { show: false }, value, ...more });
  const band = { stroke: "transparent", points: { show: false }, value };
  return {
    width: box.clientWidth,
    height: WIDE,
    tzDate: (seconds) => (isLocal ? new Date(seconds * 1000) : uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC")),
    scales: { y: { auto: true } },
    axes: [{ ...axis, space: 100, values: (_, at) => at.map((one) => written(one, at[1] - at[0])) }, axis],
    series: [
      { label: "from", value: (_, at) => (at == null ? "none" : written(at, 0)) },
      { label: "upper end", ...band },
      { label: "lower end", ...band },
      line("this loop", "online"),
      line("baseline", "baseline", { width: 1 }),
      line("random", "random", { width: 1, dash: [5, 4] }),
    ],
    bands: [{ series: [1, 2], fill: `color-mix(in srgb, ${colour("online")} 18%, transparent)` }],
    hooks: { draw: [marks(data.changes)] },
  };
}

// Without a mouse: each step keeps within the period, and shows no less than two of its points.
function steps(plot, series, written) {
  const first = series[0].at / 1000;
  const last = series.at(-1).at / 1000;
  const least = Math.min(last - first, 2 * (series.at(1)?.at / 1000 - first || 0));
  const show = (middle, width) => {
    const wide = Math.min(Math.max(width, least), last - first);
    const min = Math.min(Math.max(middle - wide / 2, first), last - wide);
    plot.setScale("x", { min, max: min + wide });
  };
  const by = (move, scale) => () => {
    const { min, max } = plot.scales.x;
    show((min + max) / 2 + move * (max - min), (max - min) * scale);
  };
  const all = [
    ["Earlier", by(-0.5, 1)],
    ["Later", by(0.5, 1)],
    ["Closer", by(0, 0.5)],
    ["Wider", by(0, 2)],
    ["All", () => show((first + last) / 2, last - first)],
  ];
  const row = document.createElement("div");
  row.className = "buttons";
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", "Part of the period");
  for (const [name, step] of all) {
    const button = document.createElement("button");
    button.addEventListener("click", step);
    row.append(Object.assign(button, { type: "button", className: "button", textContent: name }));
  }
  const told = Object.assign(document.createElement("output"), { className: "muted small" });
  const tell = () => (told.textContent = `${written(plot.scales.x.min, 0)} to ${written(plot.scales.x.max, 0)}`);
  plot.hooks.setScale = [(_, key) => key === "x" && tell()];
  tell();
  row.append(told);
  return row;
}

export async function zoom(box, isLocal) {
  const { twin, uplot, uplotStyle } = box.dataset;
  const [answer] = await Promise.all([
    fetch(twin),
    loaded("script", { src: uplot }),
    loaded("link", { rel: "stylesheet", href: uplotStyle }),
  ]);
  const data = await answer.json();
  const known = data.history.series.filter((one) => one.decisions);
  const place = document.createElement("div");
  place.className = "zoomed";
  box.replaceChildren(place);
  const plot = new uPlot(options(place, data, isLocal), columns(known), place);
  new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: WIDE })).observe(place);
  box.append(steps(plot, known, clock(isLocal)));
  const hint = document.createElement("p");
  hint.className = "muted small";
  hint.textContent = "Drag over the chart, or use the buttons, to see a part of it; a double click shows the whole period again.";
  box.append(hint);
}
