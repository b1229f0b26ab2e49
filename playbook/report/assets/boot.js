"use strict";
(function () {
  var drawn = document.querySelectorAll("figure[data-plot]");
  drawn.forEach(function (figure) {
    var plot = figure.querySelector(".plot");
    var spec = JSON.parse(document.getElementById(figure.dataset.plot).textContent);
    var config = { displayModeBar: false, displaylogo: false, responsive: true, showTips: false, scrollZoom: false };
    spec.layout = spec.layout || {};
    spec.layout.dragmode = false;
    Plotly.newPlot(plot, spec.data || [], spec.layout, config);
  });
})();
