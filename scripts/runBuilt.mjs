// `npm start`, `npm run bench`: brings dist up to date, then runs the built command line in this very process, so that signals reach it.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "./build.mjs";
import { checkoutRoot } from "./lib/checkout.mjs";

// Standard output belongs to the command: `--json` promises a single object there.
const say = (text) => process.stderr.write(`${text}\n`);
const built = await build({ ifStale: true, say }).catch((error) => {
  say(`build: ${error.message}`);
  return false;
});
if (built) {
  // npm passes a signal on to its shell only, and the shell dies of it without telling us: its death stands for the signal.
  if (process.env.npm_lifecycle_event !== undefined) {
    const shell = process.ppid;
    const watch = setInterval(() => {
      if (process.ppid === shell) return;
      clearInterval(watch);
      process.kill(process.pid, "SIGTERM");
    }, 250);
    watch.unref();
  }
  const main = join(checkoutRoot, "dist/src/main.js");
  process.argv[1] = main;
  await import(pathToFileURL(main).href);
} else process.exitCode = 1;
