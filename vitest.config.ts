import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["isotherm-source", "node"] },
  ssr: { resolve: { conditions: ["isotherm-source", "node"] } },
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    // Several files start servers, engines and a browser of their own: more than two at once would starve one another on a small machine.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // `npm test` adds scripts/lib/summaryReporter.mjs, which writes the exact counts.
    reporters: ["default"],
  },
});
