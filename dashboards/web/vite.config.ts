import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here("."),
  base: "./",
  resolve: { conditions: ["isotherm-source", "module", "browser", "default"] },
  build: {
    outDir: here("../../dist/dashboards/web"),
    emptyOutDir: true,
    target: "es2022",
    // The content security policy allows files of this server only: nothing inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
  },
});
