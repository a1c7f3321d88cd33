import { mergeConfig } from "vitest/config";
import base from "./vitest.config.js";

/** `npm run coverage:safety`: every branch between what is wanted and what is sent is taken by a test. */
export default mergeConfig(base, {
  test: {
    coverage: {
      enabled: true,
      provider: "v8",
      reporter: ["text"],
      include: [
        "src/loop/supervisor.ts",
        "src/loop/safetyEnvelope.ts",
        "src/loop/safeSetpoints.ts",
        "src/loop/protection.ts",
        "src/loop/minimumTimes.ts",
        "src/loop/dataQuality.ts",
        "src/loop/unmeasuredZones.ts",
        "src/loop/zoneTemperatureAlarms.ts",
      ],
      thresholds: { 100: true },
    },
  },
});
