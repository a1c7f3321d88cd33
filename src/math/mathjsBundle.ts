import { createRequire } from "node:module";
import type * as Mathjs from "mathjs";

/**
 * mathjs as one file. The package's own entry is spread over some thousand modules, whose loading takes seconds on a busy small machine
 * (measured 4.7 s against 0.3 s), and every command of isotherm reads a site file.
 */
export const mathjs = createRequire(import.meta.url)("mathjs/lib/browser/math.js") as typeof Mathjs;
