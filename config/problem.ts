import { IsothermError } from "#domain/errors";

export type ConfigPath = readonly (string | number)[];

/** One thing that is wrong in a site file: where, what is there, what would be right. */
export interface ConfigProblem {
  readonly path: ConfigPath;
  readonly problem: string;
  readonly todo: string;
  /** 1-based; null until found in the file, or where the file has no lines. */
  readonly line: number | null;
}

/** A value as it stands in a message: short, on one line. */
export function shownValue(value: unknown): string {
  const text = value === undefined ? "nothing" : typeof value === "bigint" ? `${value}` : (JSON.stringify(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** `zones[0].sensors.zoneAirTempC`, `points["site.outdoorAirTempC"]` */
export function shownPath(path: ConfigPath): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    if (!/^[\p{L}\p{N}_-]{1,60}$/u.test(part)) return `${text}[${shownValue(part)}]`;
    return text === "" ? part : `${text}.${part}`;
  }, "");
}

const describeProblem = (file: string, { path, problem, todo, line }: ConfigProblem): string => {
  const where = line === null ? file : `${file}:${line}`;
  const name = path.length === 0 ? "" : `${shownPath(path)}: `;
  return todo === "" ? `${where}: ${name}${problem}` : `${where}: ${name}${problem}\n  ${todo}`;
};

/** Everything that is wrong with one site file, in the order of its lines; `describe()` lists it all. */
export class SiteConfigError extends IsothermError {
  readonly problems: readonly ConfigProblem[];
  readonly file: string;
  constructor(file: string, problems: readonly ConfigProblem[]) {
    const sorted = [...problems].sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
    const first = sorted[0];
    super("configuration", sorted.length === 1 ? first.problem : `${sorted.length} problems in ${file}`, {
      todo: sorted.length === 1 ? first.todo : "Correct them all and start again.",
      place: first?.line == null ? { file } : { file, line: first.line },
    });
    this.file = file;
    this.problems = sorted;
  }
  override describe(): string {
    const list = this.problems.map((problem) => describeProblem(this.file, problem)).join("\n");
    return this.problems.length === 1 ? list : `${this.problems.length} problems in ${this.file}:\n${list}`;
  }
}
