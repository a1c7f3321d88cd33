import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["isotherm-source", "node", "import", "default"] },
  ssr: { resolve: { conditions: ["isotherm-source", "node", "import", "default"] } },
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ["default"],
  },
});
