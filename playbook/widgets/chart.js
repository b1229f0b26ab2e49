// A chart that follows a widget: drawn once and then brought up to date where it stands, which a notebook's own way of
// showing charts cannot: it draws every new one from the beginning, twice, and makes a picture of it.

const LIBRARY = "playbookPlotly"; // where a page keeps plotly, which every chart on it shares
const PATIENCE = 30000; // milliseconds a kernel that runs other cells may take to send it

/** Plotly as the kernel has it installed: nothing is fetched from anywhere else. */
function plotly(model) {
  window[LIBRARY] ??= asked(model).catch((error) => {
    delete window[LIBRARY];
    throw error;
  });
  return window[LIBRARY];
}

function asked(model) {
  return new Promise((resolve, reject) => {
    const ended = (how, what) => {
      clearTimeout(silent);
      model.off("msg:custom", hear);
      how(what);
    };
    const silent = setTimeout(() => ended(reject, new Error("the notebook's kernel does not answer; run this cell again")), PATIENCE);
    const hear = (message, buffers) => {
      if (message.sent !== "plotly") return;
      try {
        const holder = { exports: {} };
        new Function("module", new TextDecoder().decode(buffers[0]))(holder);
        ended(resolve, holder.exports);
      } catch (error) {
        ended(reject, error);
      }
    };
    model.on("msg:custom", hear);
    model.send({ do: "library" });
  });
}

const titled = (layout) => (layout.title?.text ?? "Chart").replace(/<[^>]*>/g, " ").replace(/\s+/g, " ").trim();

function render({ model, el }) {
  const chart = document.createElement("div");
  const said = document.createElement("p");
  said.setAttribute("role", "alert");
  chart.setAttribute("role", "img");
  el.append(said, chart);
  let gone = false;

  async function draw() {
    const { data, layout } = model.get("figure");
    said.textContent = model.get("wrong");
    chart.hidden = Boolean(said.textContent);
    if (chart.hidden || !data) return;
    try {
      const library = await plotly(model);
      if (gone || model.get("figure").data !== data) return;
      chart.setAttribute("aria-label", titled(layout));
      await library.react(chart, data, layout, { responsive: true, displaylogo: false });
    } catch (error) {
      said.textContent = `The chart cannot be drawn: ${error.message}`;
    }
  }

  model.on("change:figure change:wrong", draw);
  draw();
  return () => {
    gone = true;
    model.off("change:figure change:wrong", draw);
    window[LIBRARY]?.then((library) => library.purge(chart), () => {});
  };
}

export default { render };
