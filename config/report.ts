import type { ConfigPath } from "#config/problem";

/** Takes one problem: where it is shown, what it is, what would be right, and which other places it depends on. */
export type Report = (at: ConfigPath, problem: string, todo: string, dependsOn?: readonly ConfigPath[]) => void;
