import { configurationError } from "#domain/errors";
import { closestName } from "#math/closestName";
import { builtInMappings } from "#simulators/boptest/builtInMappings";
import { type BoptestMapping, parseMapping } from "#simulators/boptest/mapping";
import { readTextFile } from "#simulators/yamlFile";

/** The mapping of a test case by its name, or from a YAML file. */
export function loadMapping(nameOrFile: string): BoptestMapping {
  if (/\.ya?ml$/i.test(nameOrFile))
    return parseMapping(readTextFile(nameOrFile, "BOPTEST mapping", "Name a test case or a YAML file that maps one."), nameOrFile);
  const found = builtInMappings.find(({ testCase }) => testCase === nameOrFile);
  if (found !== undefined) return found;
  const names = builtInMappings.map(({ testCase }) => testCase);
  const near = closestName(nameOrFile, names);
  throw configurationError(
    `there is no mapping for the BOPTEST test case "${nameOrFile}"${near === null ? "" : `; did you mean ${near}?`}`,
    {
      todo: `Known are ${names.join(", ")}. For another one write a YAML file (simulators/boptest/README.md).`,
    },
  );
}
