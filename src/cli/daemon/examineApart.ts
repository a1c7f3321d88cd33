import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { Finding } from "#cli/daemon/examine";
import { unavailableError } from "#domain/errors";

const LIMIT_MS = 60_000;
const outputSchema = z.object({
  findings: z.array(z.object({ check: z.string(), state: z.enum(["ok", "warning", "failed"]), text: z.string(), todo: z.string() })),
});

/** `isotherm doctor` in a process of its own: what it loads to look at (BLAS, a graphics driver) stays out of the daemon. Rejects (retryable) where it gives no answer. */
export const examineApart = (configFile: string): Promise<readonly Finding[]> =>
  new Promise((resolve, reject) => {
    const main = fileURLToPath(new URL("../../main.js", import.meta.url));
    const args = [...process.execArgv, main, "doctor", "--config", configFile, "--json"];
    execFile(process.execPath, args, { timeout: LIMIT_MS, maxBuffer: 1_000_000 }, (cause, output) => {
      // It ends with a code where something failed, and says what on its output all the same.
      try {
        resolve(outputSchema.parse(JSON.parse(output)).findings);
      } catch (unread) {
        reject(
          unavailableError("The examination gave no answer.", {
            todo: "Run `isotherm doctor` on the machine itself.",
            cause: cause ?? unread,
          }),
        );
      }
    });
  });
