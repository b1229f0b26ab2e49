"use strict";
(function () {
  var NARROW = 700, LINE = 21;
  // what figures.base writes: a bold finding, then how to read it in a smaller span
  var TITLE = /^<b>([^]*?)<\/b>(?:<br>(<span[^>]*>)([^]*)<\/span>)?$/;

  function wrapped(words, most) {
    var lines = [""];
    words.replace(/<\/?b>/g, "").replace(/<br>/g, " ").split(" ").forEach(function (word) {
      var last = lines[lines.length - 1];
      if (last && last.length + 1 + word.length > most) lines.push(word);
      else lines[lines.length - 1] = last ? last + " " + word : word;
    });
    return lines.join("<br>");
  }

  // on a phone a title of full width would run out of the picture
  function fit(layout, width) {
    var found = width < NARROW && layout.title && layout.margin && layout.height && TITLE.exec(layout.title.text || "");
    if (!found) return;
    var text = "<b>" + wrapped(found[1], Math.floor(width / 9.5)) + "</b>";
    if (found[2]) text += "<br>" + found[2] + wrapped(found[3], Math.floor(width / 6.8)) + "</span>";
    var more = LINE * (text.split("<br>").length - layout.title.text.split("<br>").length);
    // slanted labels above the plot need the room that the title has there
    if (layout.xaxis && layout.xaxis.side === "top") more += 2 * LINE;
    layout.title.text = text;
    layout.margin.t += more;
    layout.height += more;
  }

  var drawn = document.querySelectorAll("figure[data-plot]");
  drawn.forEach(function (figure) {
    var plot = figure.querySelector(".plot");
    var spec = JSON.parse(document.getElementById(figure.dataset.plot).textContent);
    var config = { displayModeBar: false, displaylogo: false, responsive: true, showTips: false, scrollZoom: false };
    spec.layout = spec.layout || {};
    spec.layout.dragmode = false;
    fit(spec.layout, plot.clientWidth);
    Plotly.newPlot(plot, spec.data || [], spec.layout, config);
  });
})();
