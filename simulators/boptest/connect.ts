import { configurationError, unavailableError } from "#domain/errors";
import { closestName } from "#math/closestName";
import { type BoptestPlant, BoptestPlantImpl } from "#simulators/boptest/boptestPlant";
import { BoptestClient, type BoptestClientOptions, defaultBoptestUrl } from "#simulators/boptest/client";
import { loadMapping } from "#simulators/boptest/loadMapping";
import type { BoptestMapping } from "#simulators/boptest/mapping";
import { checkPoints } from "#simulators/boptest/pointNames";

export interface BoptestPlantOptions {
  /** A test case's name, a YAML file that maps one, or an address: of a single test case, or `<service>/testcases/<name>`. */
  readonly building: string;
  /** Of the service; the environment's BOPTEST_URL and then http://127.0.0.1:8000 when absent. An address as `building` goes before it. */
  readonly baseUrl?: string | undefined;
  readonly apiKey?: string | undefined;
  /** Price scenario of BOPTEST's own cost figure. */
  readonly electricityPrice?: "constant" | "dynamic" | "highly_dynamic" | undefined;
  readonly warn: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
  readonly client?: Pick<BoptestClientOptions, "timeoutMs" | "retryPauseMs">;
}

/** Where a `building` is: the service's address and, where it says one, the test case or its mapping file. */
export function resolveBuilding(building: string, baseUrl: string): { readonly baseUrl: string; readonly named: string | null } {
  if (!/^https?:\/\//i.test(building)) return { baseUrl, named: building };
  if (!URL.canParse(building))
    throw configurationError(`"${building}" is not an address`, { todo: "Write it like http://127.0.0.1:5000." });
  const match = /^(.*)\/testcases\/([^/]+)\/?$/.exec(building);
  return match === null ? { baseUrl: building, named: null } : { baseUrl: match[1]!, named: decodeURIComponent(match[2]!) };
}

/**
 * Connects to BOPTEST, begins a test and checks that the mapping fits it. A service that is not there gets an `IsothermError` (retryable, exit code 69), an
 * unknown test case or wrong point names one of kind configuration with the near ones. The caller closes the plant, which ends the test.
 */
export async function createBoptestPlant(options: BoptestPlantOptions): Promise<BoptestPlant> {
  const given = options.baseUrl ?? process.env.BOPTEST_URL;
  const address = given === undefined || given === "" ? defaultBoptestUrl : given;
  if (!URL.canParse(address) || !/^https?:/i.test(address))
    throw configurationError(`BOPTEST_URL is "${address}", which is not an address`, { todo: `Write it like ${defaultBoptestUrl}.` });
  const { baseUrl, named } = resolveBuilding(options.building, address);
  // Wrong names and files show before anything is started.
  const known: BoptestMapping | null = named === null ? null : loadMapping(named);
  const client = new BoptestClient({
    baseUrl,
    signal: options.signal,
    apiKey: options.apiKey ?? process.env.BOPTEST_API_KEY,
    ...options.client,
  });
  try {
    const mapping = await begin(client, known);
    const [inputs, measurements, forecastPoints] = await Promise.all([client.inputs(), client.measurements(), client.forecastPoints()]);
    checkPoints(mapping, { inputs, measurements, forecastPoints });
    return new BoptestPlantImpl(client, mapping, { forecastPoints, warn: options.warn, electricityPrice: options.electricityPrice });
  } catch (error) {
    await client.stop();
    throw error;
  }
}

async function begin(client: BoptestClient, known: BoptestMapping | null): Promise<BoptestMapping> {
  const offered = await client.testCases();
  if (offered === null) {
    const name = await client.name();
    if (known !== null && known.testCase !== name)
      throw unavailableError(`${client.baseUrl} serves the test case ${name}, not ${known.testCase}`, {
        todo: "Start the one that is wanted.",
      });
    return known ?? loadMapping(name);
  }
  if (known === null)
    throw configurationError(`${client.baseUrl} has several test cases: ${offered.join(", ")}`, {
      todo: `Name one as the building, or write ${client.baseUrl}/testcases/NAME.`,
    });
  if (!offered.includes(known.testCase)) {
    const near = closestName(known.testCase, offered);
    throw unavailableError(
      `${client.baseUrl} has no test case "${known.testCase}"${near === null ? "" : `; did you mean ${near}?`} It has ${offered.join(", ")}.`,
      { todo: "Choose one of those, or provision the test case in the service." },
    );
  }
  await client.select(known.testCase);
  return known;
}
