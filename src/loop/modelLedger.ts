import type { ModelChange } from "#domain/store";

/**
 * Versions in force, the one of now last, as the log of changes tells: installing and promoting put a version on top, rolling back takes off what
 * came after the one that it goes back to. So two roll-backs go two versions back, not there and back again.
 */
export function versionsInForce(changes: readonly ModelChange[]): readonly string[] {
  const stack: string[] = [];
  for (const { kind, version } of changes) {
    if (kind === "rolled-back") {
      const at = stack.lastIndexOf(version);
      if (at >= 0) stack.length = at;
    }
    if (kind !== "refused" && kind !== "forgotten" && stack.at(-1) !== version) stack.push(version);
  }
  return stack;
}

/** Every version that ever was in force, the latest to come into force last, each once. */
export function everInForce(changes: readonly ModelChange[]): readonly string[] {
  const versions = new Set<string>();
  for (const { kind, version } of changes) {
    if (kind === "refused" || kind === "forgotten") continue;
    versions.delete(version);
    versions.add(version);
  }
  return [...versions];
}

/** What a version is to the site now. */
export type VersionState = "in-force" | "was-in-force" | "refused" | "saved";

/** saved: neither put to work nor refused on record, e.g. where the process ended in between. */
export function stateOf(version: string, changes: readonly ModelChange[]): VersionState {
  if (versionsInForce(changes).at(-1) === version) return "in-force";
  if (everInForce(changes).includes(version)) return "was-in-force";
  return changes.some((change) => change.kind === "refused" && change.version === version) ? "refused" : "saved";
}
