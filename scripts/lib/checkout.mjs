import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** Root folder of the checkout that these scripts work on. */
export const checkoutRoot = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** Prints one plain line; progress bars would only clutter logs. */
export const say = (text) => process.stdout.write(`${text}\n`);

export const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
