/** What the tests use of the plain JavaScript modules in scripts/, with types. */
export interface BuildOptions {
  readonly root: string;
  readonly ifStale?: boolean;
  readonly say?: (text: string) => void;
}
export interface TestSummary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly unhandledErrors: number;
  readonly failedNames: readonly string[];
  readonly skippedNames: readonly string[];
}
export interface Verdict {
  readonly ok: boolean;
  readonly counts: { readonly passed: number; readonly failed: number; readonly skipped: number };
  readonly problems: readonly string[];
}
export interface MissingPart {
  readonly name: string;
  readonly reason: string;
}
export interface OptionalPart {
  readonly name: string;
  readonly debian: string;
  readonly service?: string;
  readonly isPresent: () => boolean;
}
export interface ProcessResult {
  readonly code: number;
  readonly output: string;
  readonly timedOut: boolean;
}

const load = async <T>(name: string): Promise<T> => (await import(new URL(`../../scripts/${name}.mjs`, import.meta.url).href)) as T;

export const buildModule = await load<{ build: (options: BuildOptions) => Promise<boolean> }>("build");
export const lockModule = await load<{
  acquireLock: (path: string, options?: { timeoutMs?: number; onWait?: (pid: number) => void }) => Promise<() => void>;
}>("lib/lockFile");
export const reportModule = await load<{
  closingLine: (counts: Verdict["counts"]) => string;
  verdict: (run: { code: number; summary: TestSummary | null }) => Verdict;
  report: (run: {
    summary: TestSummary | null;
    problems: readonly string[];
    missing: readonly MissingPart[];
    listSkipped?: boolean;
  }) => string[];
}>("lib/testReport");
export const partsModule = await load<{
  provideParts: (options: {
    parts: readonly OptionalPart[];
    run: (file: string, args: readonly string[]) => Promise<ProcessResult>;
    whyNot: () => string | null;
  }) => Promise<MissingPart[]>;
}>("lib/optionalParts");
export const lockfileModule = await load<{ lockfileProblems: (lock: unknown, manifest: unknown) => string[] }>("checkLockfile");
export const energyplusModule = await load<{ findEnergyplus: (root: string) => string | null }>("lib/energyplus");
export const homeAssistantModule = await load<{ findHomeAssistant: (root: string) => string | null; requirementsFile: string }>(
  "lib/homeAssistant",
);
export const pythonModule = await load<{
  installPackages: (options: {
    environment: string;
    label: string;
    pythons: { oldest: readonly number[]; before?: readonly number[] };
    pipArgs: readonly string[];
    find: () => string | null;
    installed?: () => void;
    limitMs: number;
    choosePython?: (pythons: object) => Promise<string | null>;
  }) => Promise<{ found?: string; reason?: string }>;
}>("lib/pythonEnvironment");
