import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/**
 * Transpiles folders of the sources into `target`, laid out so that the package's `#…` imports work there: a process of its own, which a
 * fault test may kill, then runs the current sources without a build. Returns a function that puts a script beside them and gives its path.
 */
export function transpileSources(target: string, folders: readonly string[]): (name: string, source: string) => string {
  mkdirSync(target, { recursive: true });
  cpSync(join(root, "package.json"), join(target, "package.json"));
  symlinkSync(join(root, "node_modules"), join(target, "node_modules"));
  const emit = (source: string, file: string) => {
    mkdirSync(dirname(file), { recursive: true });
    const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023, verbatimModuleSyntax: true };
    writeFileSync(file, ts.transpileModule(source, { compilerOptions: options }).outputText);
  };
  for (const folder of folders)
    for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith(".ts")) continue;
      const file = join(entry.parentPath, entry.name);
      emit(readFileSync(file, "utf8"), join(target, "dist", relative(root, file)).replace(/\.ts$/, ".js"));
    }
  return (name, source) => {
    const file = join(target, `${name}.mjs`);
    emit(source, file);
    return file;
  };
}
