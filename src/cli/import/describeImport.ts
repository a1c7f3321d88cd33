import type { ImportResult } from "#cli/import/importHistory";

const day = (timeMs: number): string => `${new Date(timeMs).toISOString().slice(0, 16)}Z`;

/** What an import did, a line for each point. */
export const describeImport = ({ fromMs, toMs, points }: ImportResult, dryRun: boolean): string => {
  const lines = Object.entries(points).map(([point, { read, imported, alreadyThere, refused }]) => {
    const reasons = Object.entries(refused).map(([reason, count]) => `${count} ${reason}`);
    const parts = [
      `${imported} ${dryRun ? "would be taken" : "taken"}`,
      ...(alreadyThere > 0 ? [`${alreadyThere} already there`] : []),
      ...(reasons.length > 0 ? [`refused: ${reasons.join(", ")}`] : []),
    ];
    return `  ${point}: ${read === 0 ? "nothing found" : `${read} read, ${parts.join(", ")}`}`;
  });
  return `${[`${fromMs === 0 ? "All" : `From ${day(fromMs)}`} until ${day(toMs)}:`, ...lines].join("\n")}\n`;
};
