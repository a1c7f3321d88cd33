// The import rule, a star (docs/architecture.md): every room imports only src/domain and src/math, never another room;
// only the composition roots src/main.ts and src/cli see everything, and nobody imports them.
const rooms = ["models", "controllers", "simulators", "config", "dashboards", "src/adapters", "src/loop"];
module.exports = {
  forbidden: [
    { name: "no-circular", severity: "error", from: {}, to: { circular: true } },
    { name: "unresolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
    {
      name: "domain-imports-nothing-of-ours",
      severity: "error",
      from: { path: "^src/domain/" },
      to: { path: "^(src/(?!domain/)|models/|controllers/|simulators/|config/|dashboards/)" },
    },
    {
      name: "math-imports-domain-only",
      severity: "error",
      from: { path: "^src/math/" },
      to: { path: "^(src/(?!domain/|math/)|models/|controllers/|simulators/|config/|dashboards/)" },
    },
    ...rooms.map((room) => ({
      name: `${room.replace("src/", "")}-imports-domain-and-math-only`,
      severity: "error",
      from: { path: `^${room}/` },
      to: { path: `^(src/|models/|controllers/|simulators/|config/|dashboards/)`, pathNot: `^(${room}/|src/domain/|src/math/)` },
    })),
    {
      name: "nobody-imports-composition-roots",
      severity: "error",
      from: { pathNot: "^src/(cli/|main\\.ts$)" },
      to: { path: "^src/(cli/|main\\.ts$)" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^dist/|/assembly/)" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["isotherm-source", "node", "import", "types", "default"],
      extensions: [".ts", ".js", ".mjs", ".cjs"],
    },
  },
};
