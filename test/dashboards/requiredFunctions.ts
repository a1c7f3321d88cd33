import { createRequire } from "node:module";

/**
 * Import this before anything that loads express. The test runner starts its workers with the package condition `import`, which also governs require():
 * express's router then gets the namespace of `is-promise`'s ES module where it expects the function. Does nothing where the condition is absent.
 */
const fromHere = createRequire(import.meta.url);
const fromExpress = createRequire(fromHere.resolve("express"));
const fromRouter = createRequire(fromExpress.resolve("router"));
const path = fromRouter.resolve("is-promise");
const loaded: unknown = fromRouter("is-promise");
const cached = fromRouter.cache[path];
if (typeof loaded !== "function" && cached !== undefined) cached.exports = (loaded as { readonly default: unknown }).default;
