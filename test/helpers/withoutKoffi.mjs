// Makes a package look as if it were not installed, to test how the program does without it:
//   node --import ./test/helpers/withoutKoffi.mjs dist/src/main.js start
// ISOTHERM_HIDE_PACKAGES names others ("koffi,webgpu"); worker threads and, through NODE_OPTIONS, child processes are covered too.
import Module, { register } from "node:module";

const hidden = (process.env.ISOTHERM_HIDE_PACKAGES ?? "koffi").split(",").filter((name) => name !== "");
const isHidden = (specifier) => hidden.some((name) => specifier === name || specifier.startsWith(`${name}/`));

const notFound = (specifier, code) => Object.assign(new Error(`Cannot find package '${specifier}' (hidden for this test)`), { code });

// Hooks run in a thread of their own, so what they need is part of their text.
const hooks = `
const hidden = ${JSON.stringify(hidden)};
export async function resolve(specifier, context, nextResolve) {
  if (hidden.some((name) => specifier === name || specifier.startsWith(name + "/"))) {
    throw Object.assign(new Error("Cannot find package '" + specifier + "' (hidden for this test)"), { code: "ERR_MODULE_NOT_FOUND" });
  }
  return nextResolve(specifier, context);
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);

const resolveFilename = Module._resolveFilename;
Module._resolveFilename = function (specifier, ...rest) {
  if (isHidden(specifier)) throw notFound(specifier, "MODULE_NOT_FOUND");
  return resolveFilename.call(this, specifier, ...rest);
};
