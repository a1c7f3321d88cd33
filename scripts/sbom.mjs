// Prints what isotherm is made of when installed, as a CycloneDX list: every package of package-lock.json but the development tools, with version and checksum.
// npm's own --omit dev leaves out commander, which tools use too, so the tools are taken out here.
import { spawnSync } from "node:child_process";
import { checkoutRoot } from "./lib/checkout.mjs";

const { status, stdout, stderr } = spawnSync("npm", ["sbom", "--sbom-format", "cyclonedx", "--package-lock-only", "--offline"], {
  cwd: checkoutRoot,
  encoding: "utf8",
  maxBuffer: 64e6,
});
if (status !== 0) {
  process.stderr.write(stderr || stdout);
  process.exit(1);
}
const bom = JSON.parse(stdout);
const isTool = ({ properties }) => properties?.some(({ name, value }) => name === "cdx:npm:package:development" && value === "true");
const tools = new Set(bom.components.filter(isTool).map((component) => component["bom-ref"]));
bom.components = bom.components.filter((component) => !tools.has(component["bom-ref"]));
bom.dependencies = bom.dependencies
  .filter(({ ref }) => !tools.has(ref))
  .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((other) => !tools.has(other)) }));
process.stdout.write(`${JSON.stringify(bom, null, 2)}\n`);
