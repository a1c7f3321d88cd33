import { createRequire } from "node:module";
import { join } from "node:path";

/**
 * Path of a worker thread's built script, named as in imports without its room, e.g. `mppi/plannerWorker`. A process that runs the TypeScript sources
 * (a test) hands its threads the built ones, which `npm run build` makes.
 */
export const builtScript = (name: string): string => {
  const path = createRequire(import.meta.url).resolve(`#controllers/${name}`);
  const source = `controllers/${name}.ts`;
  return path.endsWith(source) ? join(path.slice(0, -source.length), "dist", "controllers", `${name}.js`) : path;
};
