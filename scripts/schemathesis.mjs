// Runs Schemathesis (PyPI) against a running dashboard: node scripts/schemathesis.mjs [URL] [--examples 50] [-- further options]
// ISOTHERM_TOKEN: an API token of a site that may be changed, so that addresses behind a log-in are reached. SCHEMATHESIS: an installed one to use instead of a temporary one.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const version = "4.32.5";
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { examples: { type: "string", default: "50" }, help: { type: "boolean", default: false } },
});
if (values.help) {
  console.log("node scripts/schemathesis.mjs [URL] [--examples N] [-- OPTIONS OF SCHEMATHESIS]");
  process.exit(0);
}
const [url = "http://127.0.0.1:8080/", ...further] = positionals;
const folder = mkdtempSync(join(tmpdir(), "isotherm-schemathesis-"));
const run = (command, args) => {
  const { status, error } = spawnSync(command, args, { stdio: "inherit", cwd: folder });
  if (error !== undefined) console.error(`${command}: ${error.message}`);
  return status ?? 69;
};

const install = () => {
  const venv = join(folder, "venv");
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", `schemathesis==${version}`];
  if (run("python3", ["-m", "venv", venv]) !== 0 || run(join(venv, "bin/python"), pip) !== 0) {
    console.error("Schemathesis could not be installed. It needs Python 3.10 or newer with venv, and PyPI.");
    return null;
  }
  return join(venv, "bin/schemathesis");
};

const token = process.env.ISOTHERM_TOKEN;
const program = process.env.SCHEMATHESIS ?? install();
process.exitCode =
  program === null
    ? 69
    : run(program, [
        "run",
        new URL("api/openapi.json", url).href,
        ...(token === undefined ? [] : ["--header", `Authorization: Bearer ${token}`]),
        // The dashboard takes 1,200 requests a minute from one address.
        "--rate-limit=1000/m",
        `--max-examples=${values.examples}`,
        // Events never end; schemas of answers are checked, too.
        "--exclude-path-regex=/events$",
        "--checks=not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        "--phases=examples,coverage,fuzzing",
        "--continue-on-failure",
        ...further,
      ]);
rmSync(folder, { recursive: true, force: true });
