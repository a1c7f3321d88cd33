/** retryable: try again later; permanent: a fault of ours or of the data; configuration: a person must change a file. */
export type ErrorKind = "retryable" | "permanent" | "configuration";

/** Exit codes of the command line (sysexits): 2 wrong usage, 69 a service or device is not there, 70 a fault of ours, 78 configuration or input is wrong. */
export type ExitCode = 2 | 69 | 70 | 78;

export interface ErrorPlace {
  /** File as the person wrote it. */
  readonly file?: string;
  /** 1-based. */
  readonly line?: number;
}

/** Every error that a person may see: what was wrong, where, and what to do. */
export class IsothermError extends Error {
  override readonly name: string = "IsothermError";
  readonly kind: ErrorKind;
  readonly exitCode: ExitCode;
  readonly place: ErrorPlace;
  readonly todo: string;
  constructor(kind: ErrorKind, message: string, options: { todo?: string; place?: ErrorPlace; exitCode?: ExitCode; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.place = options.place ?? {};
    this.todo = options.todo ?? "";
    this.exitCode = options.exitCode ?? (kind === "configuration" ? 78 : kind === "retryable" ? 69 : 70);
  }
  /** One or two lines for a terminal: `file:line: message` and what to do. */
  describe(): string {
    const { file, line } = this.place;
    const where = file === undefined ? "" : line === undefined ? `${file}: ` : `${file}:${line}: `;
    return this.todo === "" ? `${where}${this.message}` : `${where}${this.message}\n  ${this.todo}`;
  }
}

/** Wrong input file or value: exit code 78. */
export const configurationError = (message: string, options: { todo?: string; place?: ErrorPlace; cause?: unknown } = {}): IsothermError =>
  new IsothermError("configuration", message, options);

/** Wrong command line: exit code 2. */
export const usageError = (message: string, todo = "Run the command with --help."): IsothermError =>
  new IsothermError("configuration", message, { todo, exitCode: 2 });

/** A service, device or engine is not there: exit code 69. */
export const unavailableError = (message: string, options: { todo?: string; place?: ErrorPlace; cause?: unknown } = {}): IsothermError =>
  new IsothermError("retryable", message, options);
