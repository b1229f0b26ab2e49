/* JupyterLab for a room with a projector: tiles on the launcher, one for each page the ninety days begin with, and the
   style sheet beside this file. No build step: Lab asks a ready-made extension for `init` and `get` under its name, and
   lends it its own modules. Which tiles there are says the page configuration that `playbook lab` writes: a list of
   {label, caption, mark, path}. */
(window._JUPYTERLAB ??= {})["transition-playbook"] = (() => {
  const CATEGORY = "Ninety days";
  const SHEET = new URL("projector.css", document.currentScript.src);
  let lent = {};

  const module = async (name) => {
    const [version] = Object.values(lent[name] ?? {});
    if (!version) throw new Error(`this JupyterLab does not lend ${name}; the tiles are left out`);
    return (await version.get())();
  };

  const picture = (mark) => {
    const svg = new DOMParser().parseFromString(
      `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 32 32"><circle cx="16" cy="16" r="14"
       fill="#0072b2"/><text x="16" y="22" text-anchor="middle" font-family="sans-serif" font-size="17"
       font-weight="600" fill="#ffffff"></text></svg>`,
      "image/svg+xml",
    );
    svg.querySelector("text").textContent = mark;
    return new XMLSerializer().serializeToString(svg);
  };

  const extension = async () => {
    const { ILauncher } = await module("@jupyterlab/launcher");
    const { PageConfig } = await module("@jupyterlab/coreutils");
    const { LabIcon } = await module("@jupyterlab/ui-components");
    const activate = (app, launcher) => {
      document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: SHEET }));
      const tiles = JSON.parse(PageConfig.getOption("playbookTiles") || "[]");
      for (const [rank, { label, caption, mark, path }] of tiles.entries()) {
        const command = `transition-playbook:open-${rank}`;
        const icon = new LabIcon({ name: `transition-playbook:${rank}`, svgstr: picture(mark) });
        const execute = () => app.commands.execute("docmanager:open", { path });
        app.commands.addCommand(command, { label, caption, icon, execute });
        launcher.add({ command, category: CATEGORY, rank });
      }
    };
    return { id: "transition-playbook:launcher", autoStart: true, requires: [ILauncher], activate };
  };

  return {
    init: (scope) => void (lent = scope),
    get: async () => {
      const plugin = await extension();
      return () => ({ __esModule: true, default: plugin });
    },
  };
})();
